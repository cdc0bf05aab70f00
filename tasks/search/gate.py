"""The circuit breakers of sources: who may be asked, and what of a fetch's end is the provider's fault.

A query source has one breaker; a feed is a provider of its own, so that one bad address closes no other feed. Files and
inventions have none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto

from models.breakers import Admission, BreakerState, admit, failed, state_of, succeeded, undecided
from models.limits import fingerprint
from models.news import SourceState
from models.providers import ProviderHealth, ProviderKind
from models.scope import Scope
from tasks.net.faults import FetchError, Unreachable, WrongType
from tasks.search.source import FeedSource, Page, Source, is_archive, is_mock
from tasks.search.units import Unit

_OF_THE_QUESTION = {400, 404, 406, 409, 410, 413, 414, 422}
"""Statuses that speak of what was asked: about another client the same provider answers well."""


class Ended(Enum):
    """What a fetch says about the provider."""

    ANSWERED = auto()
    FAILED = auto()
    UNDECIDED = auto()
    """Nothing: a quota, a missing key, a fault of ours."""


def breaker_of(source: Source, unit: Unit) -> str | None:
    """The name under which the unit's provider has its breaker; None: it has none."""
    if is_archive(source) or is_mock(source):
        return None
    return feed_breaker(unit.source, unit.unit) if isinstance(source, FeedSource) else unit.source


def feed_breaker(source: str, unit: str) -> str:
    """The breaker of one feed: addresses are too long for a key, and may hold what not everybody should read."""
    return f"{source[:30]}:{fingerprint(unit)[:24]}"


def ended(source: Source, page: Page | None, error: Exception | None) -> Ended:
    """What the last page, or the error that came in its place, says about the provider."""
    if error is not None and not isinstance(error, FetchError):
        return Ended.UNDECIDED
    state = error.state if isinstance(error, FetchError) else page.state if page else SourceState.EMPTY
    if state is SourceState.QUOTA:
        return Ended.UNDECIDED
    if state is not SourceState.FAILED:
        return Ended.ANSWERED
    if not isinstance(error, FetchError) or isinstance(error, Unreachable | WrongType):
        return Ended.FAILED
    if error.status is None:  # nobody was asked: a key or a setting is missing, or the answer was too long
        return Ended.UNDECIDED
    if error.status in _OF_THE_QUESTION and not isinstance(source, FeedSource):
        return Ended.ANSWERED
    return Ended.FAILED


def enter(scope: Scope, name: str | None, now: datetime) -> Admission:
    """Whether the unit may be fetched."""
    return Admission() if name is None else admit(scope, ProviderKind.SOURCE, name, now=now)


def leave(scope: Scope, name: str | None, how: Ended, error: str, now: datetime) -> None:
    """Tell the breaker how the fetch of an admitted unit ended."""
    if name is None:
        return
    if how is Ended.ANSWERED:
        succeeded(scope, ProviderKind.SOURCE, name, now=now)
    elif how is Ended.FAILED:
        failed(scope, ProviderKind.SOURCE, name, error, now=now)
    else:
        undecided(scope, ProviderKind.SOURCE, name)


def probes_first(
    todo: Sequence[Unit],
    breakers: Mapping[Unit, str | None],
    health: Mapping[tuple[ProviderKind, str], ProviderHealth],
    now: datetime,
) -> tuple[list[Unit], list[Unit]]:
    """The units in two waves: where a breaker is half open, one unit goes first and the others wait for its end."""
    first: list[Unit] = []
    then: list[Unit] = []
    probed: set[str] = set()
    for unit in todo:
        name = breakers[unit]
        row = health.get((ProviderKind.SOURCE, name)) if name else None
        if name is None or state_of(row, now) is not BreakerState.HALF_OPEN:
            first.append(unit)
        elif name in probed:
            then.append(unit)
        else:
            probed.add(name)
            first.append(unit)
    return first, then
