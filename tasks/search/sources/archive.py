"""News from files: backfills, replays, and people who bring their own feed.

JSON lines, CSV (each also gzipped), RSS or Atom. Fields: title, snippet, url, source, published_at |
first_seen_at.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from models.base import utc_now
from tasks.search.dates import parse as parse_date
from tasks.search.rows import Broken, Row, Unreadable, rows_of
from tasks.search.source import About, FetchContext, Found, Page, SourceError, SourceKind, SourceState
from tasks.search.text import SNIPPET_MAX, SOURCE_MAX, TITLE_MAX, clean, web_address

_PROBLEMS_A_PAGE = 60


class ArchiveSource:
    """A file read in pages of ``batch_size``.

    The cursor is the row reached and the hash of the file as far as it then went: a file that did not change
    has nothing new, one that was appended to goes on, one that was replaced is read again.
    """

    name: ClassVar[str] = "archive"
    kind: ClassVar[SourceKind] = SourceKind.FEED
    about: ClassVar[About] = About(
        title="Archive files",
        recipient="",
        sends="Nothing: files of this machine are read.",
        calls_per_client=0,
    )
    is_archive: ClassVar[bool] = True

    def units(self, argument: str | None, context: FetchContext) -> list[str]:
        if not argument:
            raise SourceError("archive: name the file, as in --source archive:news.jsonl")
        path = str(Path(argument).expanduser().absolute())
        if len(path) > 500:
            raise SourceError(f"archive: the path of {Path(argument).name} is longer than 500 characters")
        return [path]

    def fetch(self, unit: str, cursor: Mapping[str, Any] | None, context: FetchContext) -> Iterator[Page]:
        path = Path(unit)
        try:
            yield from _pages(path, cursor or {}, context)
        except FileNotFoundError:
            yield Page(SourceState.FAILED, error=f"{path}: no such file; check the path")
        except Unreadable as error:
            yield Page(SourceState.FAILED, error=f"{path.name}: {error}")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            yield Page(SourceState.FAILED, error=f"{path}: {reason}; check that it is a file and may be read")


@dataclass(slots=True)
class _Batch:
    """A page in the making."""

    items: list[Found]
    problems: list[str]
    left_out: int = 0
    lost: str = ""
    """The first problem by which a row was lost."""

    def lose(self, problem: str) -> None:
        self.problems.append(problem)
        self.left_out += 1
        self.lost = self.lost or problem

    def page(self, name: str, cursor: Mapping[str, Any]) -> Page:
        problems = self.problems[:_PROBLEMS_A_PAGE]
        if len(self.problems) > len(problems):
            problems.append(f"and {len(self.problems) - len(problems)} more")
        state = SourceState.OK if self.items else SourceState.EMPTY
        error = ""
        if self.left_out:
            state = SourceState.PARTIAL
            rows = "1 row" if self.left_out == 1 else f"{self.left_out} rows"
            error = f"{rows} left out, the first: {self.lost}"
        return Page(state, tuple(self.items), cursor=cursor, error=error, problems=tuple(problems))


def _pages(path: Path, cursor: Mapping[str, Any], context: FetchContext) -> Iterator[Page]:
    size = path.stat().st_size
    known = int(cursor.get("size", -1))
    whole, prefix = _hashes(path, size, known)
    row = 0
    if known >= 0 and prefix == cursor.get("sha256"):
        row = int(cursor.get("row", 0))
        if known == size and cursor.get("done"):
            yield Page(SourceState.EMPTY)
            return
    mark = {"size": size, "sha256": whole}
    batch = _Batch([], [])
    limit = context.settings.batch_size
    rows = rows_of(path, size, skip=row)
    while True:
        try:
            entry = next(rows, None)
        except (Unreadable, OSError):
            if batch.items or batch.problems:
                yield batch.page(path.name, {**mark, "row": row, "done": False})
            raise
        if entry is None:
            break
        if isinstance(entry, Broken) and entry.unfinished:
            # Somebody may still be writing it: it is read again when the file has grown.
            batch.problems.append(f"{path.name}: {entry.problem}")
            yield batch.page(path.name, {**mark, "row": row, "done": True})
            return
        row = entry.row
        _take(entry, path.name, context.as_of, batch)
        if len(batch.items) >= limit:
            yield batch.page(path.name, {**mark, "row": row, "done": False})
            batch = _Batch([], [])
    yield batch.page(path.name, {**mark, "row": row, "done": True})


def _take(entry: Row | Broken, name: str, now: datetime, batch: _Batch) -> None:
    if isinstance(entry, Broken):
        problem = f"{name}: {entry.problem}"
        if entry.harmless:
            batch.problems.append(problem)
        else:
            batch.lose(problem)
        return
    fields = entry.fields
    title = fields.get("title")
    title = clean(title, TITLE_MAX) if isinstance(title, str) else ""
    if not title:
        batch.lose(f"{name}: line {entry.line}: title is missing")
        return
    dates: dict[str, datetime | None] = {}
    for field in ("published_at", "first_seen_at"):
        value = fields.get(field)
        dates[field] = None if value is None else parse_date(value, now)
        if dates[field] is None and value not in (None, ""):
            said = clean(str(value), 40)
            batch.problems.append(
                f"{name}: line {entry.line}: {field} {said!r} cannot be read; taken as unknown"
            )
    url = fields.get("url")
    address = web_address(url)
    if address is None and url:
        batch.problems.append(f"{name}: line {entry.line}: url is not an http(s) address; left away")
    batch.items.append(
        Found(
            title,
            address,
            _text(fields.get("snippet"), SNIPPET_MAX),
            _text(fields.get("source"), SOURCE_MAX),
            dates["published_at"],
            # The keeper's clock; an item without one was seen when it was published.
            dates["first_seen_at"] or dates["published_at"],
        )
    )


def _text(value: object, limit: int) -> str | None:
    return (clean(value, limit) or None) if isinstance(value, str) else None


def _hashes(path: Path, size: int, known: int) -> tuple[str, str]:
    """Hashes of the file's first ``size`` and first ``known`` bytes (empty where it is shorter than that)."""
    digest = hashlib.sha256()
    prefix = ""
    done = 0
    with path.open("rb") as file:
        while done < size:
            stop = known if done < known < size else size
            chunk = file.read(min(1 << 20, stop - done))
            if not chunk:
                break
            digest.update(chunk)
            done += len(chunk)
            if done == known:
                prefix = digest.hexdigest()
    whole = digest.hexdigest()
    return whole, whole if known == size else prefix


def newest(path: str | Path, now: datetime | None = None) -> datetime | None:
    """The archive's clock: its newest published_at or first_seen_at; None without one, or without the file.

    Dates more than a day ahead of ``now`` (default: the present) are no dates. Rows that cannot be read are
    passed over here; the run itself names them.
    """
    present = now or utc_now()
    best: datetime | None = None
    try:
        path = Path(path).expanduser()
        for entry in rows_of(path, path.stat().st_size, skip=0):
            if isinstance(entry, Broken):
                continue
            for field in ("published_at", "first_seen_at"):
                value = entry.fields.get(field)
                found = parse_date(value, present) if value is not None else None
                if found is not None and (best is None or found > best):
                    best = found
    except (OSError, Unreadable):
        return best
    return best
