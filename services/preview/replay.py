"""A week once more, by the rules of filter and planning, for one person and wishes that nobody has saved. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile
from uuid import UUID
from zoneinfo import ZoneInfo

from models.accounts import Frequency
from models.mail import Route, SkipReason
from tasks.filter.facts import People
from tasks.filter.ledger import Line
from tasks.filter.recheck import recheck
from tasks.filter.rules import Verdict, reach
from tasks.notify.compose import LetterKind
from tasks.notify.planning import Reader
from tasks.notify.selection import Entry, choose
from tasks.notify.windows import TICK, Window, in_quiet_hours, instant_window, zone_of

_UTC = ZoneInfo("UTC")
_INVENTED = Verdict(None, SkipReason.INVENTED, "invented news is never mailed")
_OVER_LIMIT = Verdict(None, SkipReason.OVER_LIMIT, "your limits leave it in the app")
_A_DAY_OF_TICKS = timedelta(days=1) // TICK


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came to be known. Each stands once, as it is now, however often it was updated."""

    line: Line
    at: datetime
    is_mock: bool = False


@dataclass(frozen=True, slots=True)
class WouldBeMail:
    """A mail that these wishes would have brought."""

    kind: LetterKind
    at: datetime
    slot: str
    shown: tuple[Entry, ...]
    over: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that would not have been mailed, when that was decided, and why."""

    line: Line
    at: datetime
    verdict: Verdict


@dataclass(slots=True)
class Replay:
    """What a time would have brought."""

    mails: list[WouldBeMail] = field(default_factory=list)
    in_app: list[tuple[datetime, Line]] = field(default_factory=list)
    """What is brought in the app alone, and when."""
    waiting: list[Line] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def replay(
    people: People,
    user_id: UUID,
    arrivals: Iterable[Arrival],
    *,
    start: datetime,
    now: datetime,
    freshness_days: float,
    mailing_mock: bool = False,
) -> Replay:
    """What these arrivals come to between ``start`` and ``now``, by the wishes that ``people`` holds of the person.

    With ``mailing_mock`` invented news counts as real: in a demo there is no other.
    """
    return _Week(people, user_id, start, now, freshness_days, mailing_mock).run(arrivals)


class _Week:
    def __init__(
        self,
        people: People,
        user_id: UUID,
        start: datetime,
        now: datetime,
        freshness_days: float,
        mailing_mock: bool,
    ) -> None:
        user, self._wants = people.users[user_id], people.preferences[user_id]
        self._people, self._user_id = people, user_id
        self._zone = zone_of(user.timezone) or _UTC
        self._reader = Reader(user, self._wants, self._zone, people.absences.get(user_id))
        self._start, self._now, self._fresh, self._mailing_mock = start, now, freshness_days, mailing_mock
        self._for_digest: list[tuple[datetime, Line]] = []
        self._found = Replay()

    def run(self, arrivals: Iterable[Arrival]) -> Replay:
        ticks: dict[datetime, list[Line]] = {}
        for arrival in sorted(arrivals, key=lambda one: one.at):
            verdict = self._weigh(arrival)
            if verdict.reason is SkipReason.NOT_ASSIGNED:
                continue  # nobody weighs it for them
            if verdict.reason is not None:
                self._leave_out(arrival.line, arrival.at, verdict)
            elif verdict.route is Route.IN_APP:
                self._found.in_app.append((arrival.at, arrival.line))
            elif verdict.route is Route.INSTANT:
                ticks.setdefault(self._tick(arrival.at), []).append(arrival.line)
            else:
                self._for_digest.append((arrival.at, arrival.line))
        self._instant(ticks)
        for window in self._windows():
            self._digest(window)
        self._found.waiting += [line for _, line in self._for_digest]
        self._found.mails.sort(key=lambda mail: mail.at)
        return self._found

    def _weigh(self, arrival: Arrival) -> Verdict:
        line = arrival.line
        person = self._people.facts(self._user_id, line.client_id, arrival.at)
        verdict = reach(line.event, person, as_of=arrival.at, freshness_days=self._fresh)
        return _INVENTED if arrival.is_mock and not self._mailing_mock and verdict.reason is None else verdict

    def _tick(self, at: datetime) -> datetime:
        """When the five-minute tick after this moment, outside quiet hours, is."""
        wants, tick = self._wants, instant_window(at).at
        for _ in range(_A_DAY_OF_TICKS):
            if not in_quiet_hours(tick, wants.quiet_from, wants.quiet_until, self._zone):
                break
            tick += TICK
        return tick

    def _instant(self, ticks: dict[datetime, list[Line]]) -> None:
        wants = self._wants
        mailed: Counter[date] = Counter()
        for tick in sorted(ticks):
            if tick > self._now:
                self._found.waiting += ticks[tick]
                continue
            today = tick.astimezone(self._zone).date()
            if mailed[today] >= wants.max_instant_per_day or self._reader.away(tick):
                self._for_digest += [(tick, line) for line in ticks[tick]]
                continue
            chosen = choose(
                ticks[tick], max_items=wants.max_items_per_digest, max_per_client=wants.max_items_per_client
            )
            mailed[today] += 1
            window = instant_window(tick)
            self._found.mails.append(WouldBeMail("instant", tick, window.slot, chosen.shown))
            self._for_digest += [(tick, line) for entry in chosen.over for line in entry.lines]

    def _windows(self) -> Sequence[Window]:
        due: Iterator[Window] = self._reader.windows(self._now)
        return list(takewhile(lambda window: window.at > self._start, due))[::-1]

    def _digest(self, window: Window) -> None:
        wants = self._wants
        ready = [line for at, line in self._for_digest if at <= window.at]
        self._for_digest = [(at, line) for at, line in self._for_digest if at > window.at]
        verdicts = recheck(self._people, ready, now=window.at, freshness_days=self._fresh)
        for line, verdict in verdicts.items():
            if verdict.reason is not None:
                self._leave_out(line, window.at, verdict)
        kept = [line for line, verdict in verdicts.items() if verdict.route]
        chosen = choose(kept, max_items=wants.max_items_per_digest, max_per_client=wants.max_items_per_client)
        for entry in chosen.over:
            for line in entry.lines:
                self._leave_out(line, window.at, _OVER_LIMIT)
        if chosen.shown:
            weekly = wants.notification_frequency is Frequency.WEEKLY
            kind: LetterKind = "weekly" if weekly else "daily"
            self._found.mails.append(WouldBeMail(kind, window.at, window.slot, chosen.shown, chosen.over))

    def _leave_out(self, line: Line, at: datetime, verdict: Verdict) -> None:
        self._found.left_out.append(LeftOut(line, at, verdict))
