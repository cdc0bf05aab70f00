"""The rows of an archive file with their places: JSON lines, CSV, RSS, Atom, gzipped or not."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from models.base import utc_now
from tasks.search.feeds import by_publisher, looks_like_feed, parse_feed

LINE_MAX = 10_000_000
"""A longer line is not news; reading on would fill the memory."""
XML_MAX = 50_000_000


_Stream = io.BufferedReader | gzip.GzipFile


class Unreadable(ValueError):
    """The file as a whole is not what it should be: one line that says what it must be."""


class Row(NamedTuple):
    row: int
    """Counted from 1; where a later read goes on."""
    line: int
    """The line in the file, for people."""
    fields: Mapping[str, Any]


class Broken(NamedTuple):
    row: int
    problem: str
    unfinished: bool = False
    """The last line, without its line end."""
    harmless: bool = False
    """Something is wrong, but no row was lost by it."""


class _Prefix(io.RawIOBase):
    """The first ``size`` bytes of a file: what is appended while we read belongs to the next run."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._file.read(min(len(buffer), self._left))
        buffer[: len(chunk)] = chunk
        self._left -= len(chunk)
        return len(chunk)


def rows_of(path: Path, size: int, *, skip: int) -> Iterator[Row | Broken]:
    """Rows ``skip + 1`` onwards of the file's first ``size`` bytes.

    OSError when it cannot be opened, Unreadable when it is no archive; a bad row is Broken and the next one
    follows.
    """
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        stream: _Stream = io.BufferedReader(_Prefix(file, size), 1 << 20)
        if start == b"\x1f\x8b":
            stream = gzip.GzipFile(fileobj=stream)
        try:
            yield from _reader(path, stream)(stream, skip)
        except (gzip.BadGzipFile, zlib.error, EOFError):
            raise Unreadable("the gzip data is damaged or cut off; rows before that were kept") from None


def _reader(path: Path, stream: _Stream) -> Callable[[_Stream, int], Iterator[Row | Broken]]:
    """By the name's ending, else by the first character."""
    suffixes = {suffix.lower() for suffix in path.suffixes[-2:]}
    if suffixes & {".jsonl", ".ndjson", ".json"}:
        return _json_rows
    if suffixes & {".csv"}:
        return _csv_rows
    if suffixes & {".xml", ".rss", ".atom"}:
        return _feed_rows
    first = stream.peek(64)[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return {b"{": _json_rows, b"<": _feed_rows}.get(first, _csv_rows)


def _json_rows(stream: _Stream, skip: int) -> Iterator[Row | Broken]:
    number = 0
    loads = json.loads
    while line := stream.readline(LINE_MAX):
        number += 1
        if number <= skip:
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            fields = loads(line)
        except ValueError as error:
            if not line.strip():
                continue
            complete = line.endswith(b"\n")
            if len(line) >= LINE_MAX and not complete:
                raise Unreadable(f"line {number} is longer than {LINE_MAX:,} bytes") from None
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is not UTF-8"
            yield Broken(number, f"line {number}: not a JSON object: {reason}", unfinished=not complete)
            continue
        except RecursionError:
            yield Broken(number, f"line {number}: not a JSON object: nested too deeply")
            continue
        if isinstance(fields, dict):
            yield Row(number, number, fields)
        else:
            yield Broken(number, f"line {number}: not a JSON object but {type(fields).__name__}")


def _csv_rows(stream: _Stream, skip: int) -> Iterator[Row | Broken]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise Unreadable(f"line 1 is not CSV: {error}") from None
    if "title" not in header:
        raise Unreadable(
            "its first line must name the columns, title among them "
            "(title, snippet, url, source, published_at or first_seen_at)"
        )
    number = 0
    while True:
        # The line a row begins at; quoted fields may run over several.
        line = reader.line_num + 1
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if number > skip:
                yield Broken(number, f"line {line}: not CSV: {error}")
            continue
        if cells is None:
            return
        if number <= skip or not any(cells):
            continue
        if len(cells) != len(header):
            yield Broken(number, f"line {line}: {len(cells)} fields where the first line names {len(header)}")
        elif any("\udc80" <= c <= "\udcff" for cell in cells if not cell.isascii() for c in cell):
            yield Broken(number, f"line {line}: not UTF-8; save the file as UTF-8")
        else:
            yield Row(number, line, {name: cell for name, cell in zip(header, cells, strict=True) if cell})


def _feed_rows(stream: _Stream, skip: int) -> Iterator[Row | Broken]:
    body = stream.read(XML_MAX + 1)
    if len(body) > XML_MAX:
        raise Unreadable(f"a feed file may have {XML_MAX:,} bytes; split it, or bring it as JSON lines")
    parsed = parse_feed(body, base="", now=utc_now()) if looks_like_feed(body) else None
    if parsed is None:
        raise Unreadable("not an RSS or Atom document")
    number = 0
    for number, item in enumerate(by_publisher(parsed), start=1):
        if number > skip:
            fields = {"title": item.title, "url": item.url, "snippet": item.snippet, "source": item.source}
            yield Row(number, number, {**fields, "published_at": item.published_at})
    losses = [*parsed.missing, *(["the document ends in the middle"] if parsed.truncated else [])]
    for row, problem in enumerate((*losses, *parsed.problems), start=number + 1):
        if row > skip:
            yield Broken(row, problem, harmless=row - number > len(losses))
