"""The circuit breakers of sources: who may be asked, and what of a fetch's end is the provider's fault.

A query source has one breaker; a feed is a provider of its own, so that one bad address closes no other feed. Files and
inventions have none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from models.breakers import Admission, BreakerState, Ended, admit, state_of
from models.news import SourceState
from models.providers import ProviderHealth, ProviderKind
from models.scope import Scope
from tasks.net.ended import ended
from tasks.search.source import FeedSource, Page, Source, feed_breaker, is_archive, is_mock
from tasks.search.units import Unit


def breaker_of(source: Source, unit: Unit) -> str | None:
    """The name under which the unit's provider has its breaker; None: it has none."""
    if is_archive(source) or is_mock(source):
        return None
    return feed_breaker(unit.source, unit.unit) if isinstance(source, FeedSource) else unit.source


def said_by(source: Source, page: Page | None, error: Exception | None) -> Ended:
    """What the last page, or the error that came in its place, says about the provider."""
    if error is not None:
        return ended(error, of_all=isinstance(source, FeedSource))
    if page is not None and page.state is SourceState.QUOTA:
        return Ended.UNDECIDED
    return Ended.FAILED if page is not None and page.state is SourceState.FAILED else Ended.ANSWERED


def enter(scope: Scope, name: str | None, now: datetime) -> Admission:
    """Whether the unit may be fetched."""
    return Admission() if name is None else admit(scope, ProviderKind.SOURCE, name, now=now)


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
