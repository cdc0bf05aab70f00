"""The rules once more, on lines that waited: people change their minds, and news grows old."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from models.accounts import Frequency
from tasks.filter.facts import People
from tasks.filter.ledger import Line, superseded
from tasks.filter.rules import Verdict, decide

# How long a reader's own schedule may keep an item. A day also covers an instant reader's quiet hours.
_KEPT = {
    Frequency.INSTANT: timedelta(days=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(days=7),
}


def recheck(
    people: People, waiting: Iterable[Line], *, now: datetime, freshness_days: float
) -> dict[Line, Verdict]:
    """What the rules say at ``now`` of lines decided earlier: a newer revision first, then the order of ``decide``.

    Pure; ``people`` holds at least the lines' readers.
    """
    verdicts: dict[Line, Verdict] = {}
    for line in waiting:
        if line.event_revision > line.revision:
            verdicts[line] = superseded(line)
            continue
        person = people.facts(line.user_id, line.client_id, now)
        waited = _KEPT[person.frequency] + people.away_within(line.user_id, line.event.happened_at, now)
        verdicts[line] = decide(line.event, person, as_of=now, freshness_days=freshness_days, waited=waited)
    return verdicts


def objections(verdicts: dict[Line, Verdict]) -> dict[Line, Verdict]:
    """Those that no longer qualify."""
    return {line: verdict for line, verdict in verdicts.items() if verdict.reason is not None}
