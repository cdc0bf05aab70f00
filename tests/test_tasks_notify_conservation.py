"""Conservation (promise 3) as a state machine over the real database: whatever people, news and servers do, and in
whatever order, every event revision has one line a person, in one state, in one mail, and none is lost."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from conftest import NOW, Tenant
from desk import change, rows
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from newsroom import add_event, add_story, mails, notes, plan_for
from sqlalchemy import Engine
from sqlmodel import col, select

from models.accounts import Business, Frequency, UserPreference
from models.base import new_id
from models.clock import FixedClock
from models.engine import reading, writing
from models.events import Category, Decision, Event
from models.feedback import FeedbackVerdict
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Notification,
    NotificationState,
    Route,
)
from models.scope import Role, Scope
from models.settings import get_settings
from services import feedback, people, sending, subscriptions
from services.clients import assign_people
from services.muting import set_client_exception
from services.preferences import change_preferences
from tasks.filter.stage import filter_batch
from tasks.notify.planning import plan_digests, plan_instant
from tasks.notify.stage import digest_batch, notify_batch
from tasks.notify.transports.transport import About, Envelope, Limits, Outcome, Result
from tasks.notify.windows import in_quiet_hours, local_day

CLIENTS, PEOPLE = 3, 3
EMAILS = ("maria@x.example", "ivo@x.example", "ana@x.example")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland")
IN_MAIL = {
    DeliveryState.INTENT: NotificationState.ATTACHED,
    DeliveryState.TRANSMITTING: NotificationState.ATTACHED,
    DeliveryState.SENT: NotificationState.DELIVERED,
    DeliveryState.FAILED: NotificationState.FAILED,
    DeliveryState.UNKNOWN: NotificationState.UNKNOWN,
}
TOLD = {*IN_MAIL.values()}
UNUSED = (DeliveryState.EMPTY, DeliveryState.COALESCED)


class Killed(BaseException):
    """The process died while it was sending."""


class Server:
    """A mail server that answers each mail as told, and remembers what it accepted. None: the sender dies."""

    name = "told"
    about = About(title="A test's", recipient="", sends="")
    idempotent = False
    verbatim = True
    limits = Limits()

    def __init__(self, accepted: Counter[str], answers: list[Result | None]) -> None:
        self._accepted, self._answers = accepted, list(answers)

    def send(self, envelope: Envelope) -> Outcome:
        answer = self._answers.pop(0) if self._answers else Result.SENT
        if answer is None:
            raise Killed
        if answer is Result.SENT:
            self._accepted[envelope.message_id] += 1
        return Outcome(answer, "as told")

    def close(self) -> None:
        pass


clients = st.integers(0, CLIENTS - 1)
persons = st.integers(0, PEOPLE - 1)
relevances = st.sampled_from([0.3, 0.5, 0.65, 0.8, 0.95])
answers = st.lists(st.sampled_from([*Result, Result.SENT, Result.SENT]), max_size=3)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "frequency": st.sampled_from(Frequency),
        "threshold": relevances,
        "categories": st.sampled_from([None, ["funding"], ["funding", "layoffs"]]),
        "notifications": st.booleans(),
        "email": st.booleans(),
        "assigned_clients_only": st.booleans(),
        "timezone": st.sampled_from(ZONES),
        "digest_time": st.sampled_from([time(0), time(8), time(23, 55)]),
        "digest_day": st.integers(0, 6),
        "quiet_from": st.sampled_from([None, time(8)]),
        "quiet_until": st.sampled_from([None, time(12)]),
        "max_items_per_digest": st.integers(1, 4),
        "max_items_per_client": st.integers(1, 3),
        "max_instant_per_day": st.integers(0, 2),
    },
)


@dataclass
class News:
    """An event as the machine knows it."""

    client: int
    at: datetime
    is_history: bool
    revision: int = 1
    withdrawn: bool = False
    waits: bool = True
    """For *filter*."""


@dataclass
class Away:
    first: date | None = None
    last: date | None = None
    cover: int | None = None

    def at(self, moment: datetime, zone: str) -> bool:
        if self.first is None:
            return False
        midnight = datetime.combine(self.first, time(0), ZoneInfo(zone))
        end = self.last and datetime.combine(self.last + timedelta(days=1), time(0), ZoneInfo(zone))
        return midnight <= moment and (end is None or moment < end)


@dataclass
class Person:
    """What the machine knows of somebody."""

    id: UUID
    zone: str = "UTC"
    active: bool = True
    only_assigned: bool = True
    away: Away = field(default_factory=Away)


class Conservation(RuleBasedStateMachine):
    """Every rule acts through the services people use; the invariants read the tables."""

    @initialize()
    def tenant_of_its_own(self) -> None:
        with writing(Scope.operator()) as session:
            business = Business(slug=f"t{new_id().hex}", name="Test")
            session.add(business)
            session.flush()
        self.tenant = Tenant(business.id)
        self.scope = self.tenant.scope
        self.now = NOW
        self.clients = [self.tenant.add_client(name) for name in ("Acme", "Borealis", "Corvus")]
        ids = [self.tenant.add_user(email) for email in EMAILS]
        self.people = [Person(person_id) for person_id in ids]
        self.assigned: list[set[int]] = [set(), set(), set()]
        self.news: dict[UUID, News] = {}
        self.expected: set[tuple[UUID, int, UUID]] = set()
        self.accepted: Counter[str] = Counter()
        self.told: dict[UUID, UUID | None] = {}
        """Lines that were delivered, and in which mail."""
        self.lost: dict[UUID, UUID | None] = {}
        """Lines of unknown fate; only a person's word changes it."""
        self.known_mails: set[UUID] = set()
        self.stories: dict[int, UUID] = {}
        for number, readers in enumerate(({0, 1}, {0, 1}, {0})):
            self.assign(number, readers)
        change_preferences(self.scope, ids[1], {"frequency": "instant"}, now=self.now)
        change_preferences(
            self.scope, ids[2], {"frequency": "weekly", "assigned_clients_only": False}, now=self.now
        )
        self.people[2].only_assigned = False
        for number, relevance in enumerate((0.95, 0.65, 0.8, 0.5, 0.95, 0.3)):
            self._add(number % CLIENTS, f"First {number}", relevance=relevance, is_history=number == 3)
        self.something_happens_to_several(0, 0.8, False)
        self.something_happens_to_several(1, 0.65, True)

    # News

    @rule(
        client=clients,
        relevance=relevances,
        is_history=st.booleans(),
        category=st.sampled_from(["funding", "layoffs"]),
        at_once=st.booleans(),
    )
    def something_happens(
        self, client: int, relevance: float, is_history: bool, category: str, at_once: bool
    ) -> None:
        self._add(
            client,
            f"N{len(self.news)}",
            relevance=relevance,
            is_history=is_history,
            category=Category(category),
        )
        if at_once:
            self.decide(100)

    @rule(client=clients, relevance=relevances, at_once=st.booleans())
    def something_happens_to_several(self, client: int, relevance: float, at_once: bool) -> None:
        """A story of which each client has an event of its own, and a reader of both one item."""
        if client in self.stories:
            self.stories.clear()
        story = next(iter(self.stories.values()), None) or add_story(self.tenant, "Joint", at=self.now)
        self.stories[client] = story
        self._add(client, f"Joint {len(self.news)}", relevance=relevance, story_id=story)
        if at_once:
            self.decide(100)

    @rule(which=st.integers(0, 50), at_once=st.booleans())
    def there_is_more_to_it(self, which: int, at_once: bool) -> None:
        event, known = self._event(which)
        known.revision += 1
        self._set_event(event, known, revision=known.revision)
        if at_once:
            self.decide(100)

    @rule(which=st.integers(0, 50), at_once=st.booleans())
    def it_is_another_company_or_is_not(self, which: int, at_once: bool) -> None:
        event, known = self._event(which)
        known.withdrawn = not known.withdrawn
        self._set_event(event, known, withdrawn_at=self.now if known.withdrawn else None)
        if at_once:
            self.decide(100)

    @rule(limit=st.integers(1, 100))
    def decide(self, limit: int) -> None:
        filter_batch(plan_for(self.tenant, as_of=self.now), limit, clock=FixedClock(self.now))
        with reading(self.scope) as session:
            left = set(session.exec(select(Event.id).where(col(Event.needs_filter).is_(True))))
        for event, known in self.news.items():
            if known.waits and event not in left:
                known.waits = False
                self.expected |= {
                    (event, known.revision, self.people[number].id)
                    for number in self._considered(known.client)
                }

    # People

    @rule(person=persons, wanted=wishes)
    def ask_for(self, person: int, wanted: dict[str, Any]) -> None:
        who = self.people[person]
        change_preferences(self.scope, who.id, wanted, now=self.now)
        who.zone = wanted.get("timezone", who.zone)
        who.only_assigned = wanted.get("assigned_clients_only", who.only_assigned)

    @rule(person=persons, client=clients, muted=st.booleans(), threshold=st.none() | relevances)
    def make_an_exception(self, person: int, client: int, muted: bool, threshold: float | None) -> None:
        asked = {"muted": muted, "threshold": threshold}
        set_client_exception(self.scope, self.people[person].id, self.clients[client], asked, now=self.now)

    @rule(person=persons, days=st.none() | st.integers(0, 5), cover=st.none() | persons)
    def go_away(self, person: int, days: int | None, cover: int | None) -> None:
        who = self.people[person]
        if cover == person or (cover is not None and not self.people[cover].active):
            cover = None
        today = self.now.astimezone(ZoneInfo(who.zone)).date()
        away = Away(today, None if days is None else today + timedelta(days=days), cover)
        self._absent(person, away)

    @rule(person=persons)
    def come_back(self, person: int) -> None:
        self._absent(person, Away())

    @rule(person=persons, kind=st.sampled_from(subscriptions.NEWS), stopped=st.booleans())
    def unsubscribe_or_resume(self, person: int, kind: DeliveryKind, stopped: bool) -> None:
        do = subscriptions.stop if stopped else subscriptions.resume
        do(self.scope, EMAILS[person], [kind], how="a link", now=self.now)

    @rule(person=persons)
    def leave_or_return(self, person: int) -> None:
        who = self.people[person]
        if who.active:
            people.deactivate(self.scope, who.id, now=self.now)
        else:
            people.reactivate(self.scope, who.id)
        who.active = not who.active

    @rule(client=clients, readers=st.sets(persons))
    def assign(self, client: int, readers: set[int]) -> None:
        new = readers - self.assigned[client]
        untold = self._untold(client) if new else []
        assign_people(
            self.scope, self.clients[client], [self.people[number].id for number in readers], now=self.now
        )
        self.assigned[client] = set(readers)
        self.expected |= {
            (event, self.news[event].revision, self.people[number].id) for event in untold for number in new
        }

    @rule(person=persons, which=st.integers(0, 50))
    def not_relevant_to_me(self, person: int, which: int) -> None:
        who = self.people[person]
        if who.active:
            event, _ = self._event(which)
            feedback.give(self._as(who), str(event), FeedbackVerdict.NOT_RELEVANT, now=self.now)

    @rule()
    def it_was_relevant_after_all(self) -> None:
        said = feedback.listing(self.scope)
        if said:
            feedback.undo(self.scope, str(said[0].id), now=self.now)

    # Mail

    @rule()
    def compose(self) -> None:
        plan_instant(self.scope, self.now, clock=FixedClock(self.now))
        plan_digests(self.scope, self.now, clock=FixedClock(self.now))

    @rule(given=answers)
    def tick(self, given: list[Result]) -> None:
        server = Server(self.accepted, [*given])
        while digest_batch(self.scope.business, self.now, transport=server, clock=FixedClock(self.now)).done:
            pass

    @rule(given=answers)
    def run_mails(self, given: list[Result]) -> None:
        plan = plan_for(self.tenant, as_of=self.now)
        notify_batch(plan, transport=Server(self.accepted, [*given]), clock=FixedClock(self.now))

    @rule(given=answers)
    def die_while_sending(self, given: list[Result]) -> None:
        server = Server(self.accepted, [*given[:1], None])
        with suppress(Killed):
            digest_batch(self.scope.business, self.now, transport=server, clock=FixedClock(self.now))

    @rule(sent=st.booleans())
    def say_how_it_ended(self, sent: bool) -> None:
        for mail in mails(self.tenant, state=DeliveryState.UNKNOWN)[:1]:
            self.lost = {line: kept for line, kept in self.lost.items() if kept != mail.id}
            sending.resolve(self.scope, str(mail.id), sent=sent, now=self.now)

    @rule()
    def try_a_failed_one_again(self) -> None:
        for mail in mails(self.tenant, state=DeliveryState.FAILED)[:1]:
            sending.retry(self.scope, str(mail.id), now=self.now)

    @rule(held=st.booleans())
    def hold_or_release(self, held: bool) -> None:
        (sending.hold(self.scope, "a test") if held else sending.release(self.scope))

    @rule(days=st.sampled_from([1, 1, 2, 8]), given=answers)
    def days_pass(self, days: int, given: list[Result]) -> None:
        self.time_passes(1440 * days)
        self.tick(given)

    @rule(minutes=st.sampled_from([5, 60, 600]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # What holds after every step

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        lines, posts = notes(self.tenant), {mail.id: mail for mail in mails(self.tenant)}
        keys = Counter((line.event_id, line.revision, line.user_id) for line in lines)
        assert set(keys.values()) <= {1}, "somebody has two lines of one event revision"
        assert set(keys) == self.expected
        assert sum(Counter(line.state for line in lines).values()) == len(self.expected)
        for line in lines:
            self._consistent(line, posts)
        self._what_was_told_stays_told(lines)
        self._mails_keep_their_promises(lines, posts)

    def _consistent(self, line: Notification, posts: dict[UUID, Delivery]) -> None:
        assert (line.reason is not None) == (line.state is NotificationState.SKIPPED)
        if line.state is NotificationState.WAITING:
            assert (line.delivery_id, line.channel) == (None, Channel.EMAIL)
            assert line.route in {Route.INSTANT, Route.DIGEST}
        elif line.channel is Channel.IN_APP:
            assert (line.delivery_id, line.route) == (None, Route.IN_APP)
            assert line.state in {NotificationState.DELIVERED, NotificationState.SKIPPED}
        elif line.state is not NotificationState.SKIPPED:
            assert line.delivery_id is not None
            mail = posts[line.delivery_id]
            assert line.state is IN_MAIL[mail.state]
            assert mail.user_id == line.user_id
            assert (line.route is Route.INSTANT) == (mail.kind is DeliveryKind.EVENT), "instant xor digest"

    def _what_was_told_stays_told(self, lines: list[Notification]) -> None:
        by_id = {line.id: line for line in lines}
        for line_id, mail_id in self.told.items():
            line = by_id[line_id]
            assert (line.state, line.delivery_id) == (NotificationState.DELIVERED, mail_id)
        for line_id, mail_id in self.lost.items():
            line = by_id[line_id]
            assert (line.state, line.delivery_id) == (NotificationState.UNKNOWN, mail_id)
        for line in lines:
            if line.state is NotificationState.DELIVERED and line.channel is Channel.EMAIL:
                self.told[line.id] = line.delivery_id
            elif line.state is NotificationState.UNKNOWN:
                self.lost[line.id] = line.delivery_id

    def _mails_keep_their_promises(self, lines: list[Notification], posts: dict[UUID, Delivery]) -> None:
        assert all(count == 1 for count in self.accepted.values()), "one accepted DATA a slot"
        assert len({(mail.recipient, mail.kind, mail.slot) for mail in posts.values()}) == len(posts)
        carried = {line.delivery_id for line in lines if line.state in TOLD}
        assert not carried & {mail.id for mail in posts.values() if mail.state in UNUSED}
        planned = [mail for mail in posts.values() if mail.id not in self.known_mails]
        self.known_mails |= posts.keys()
        if not planned:
            return
        wants = {row.user_id: row for row in self._preferences()}
        for mail in planned:
            assert mail.user_id is not None
            asked = wants[mail.user_id]
            assert mail.item_count <= asked.max_items_per_digest
            if mail.kind is not DeliveryKind.EVENT:
                continue
            zone = ZoneInfo(next(one.zone for one in self.people if one.id == mail.user_id))
            start, end = local_day(self.now, zone)
            today = [
                one
                for one in posts.values()
                if one.kind is DeliveryKind.EVENT
                and one.user_id == mail.user_id
                and one.state not in UNUSED
                and one.window_start is not None
                and start <= one.window_start < end
            ]
            assert len(today) <= asked.max_instant_per_day
            assert not in_quiet_hours(self.now, asked.quiet_from, asked.quiet_until, zone)

    def teardown(self) -> None:
        """Left alone, everything comes to an end, and each reason in the ledger is that of a decision."""
        if not hasattr(self, "tenant"):
            return
        sending.release(self.scope)
        for number in range(PEOPLE):
            self._absent(number, Away())
        self.decide(100)
        for _ in range(9):  # an absence's last day, then a whole week
            self.days_pass(1, [])
        self.nothing_is_lost_or_doubled()
        open_ones = {line.state for line in notes(self.tenant)} & {
            NotificationState.WAITING,
            NotificationState.ATTACHED,
        }
        assert not open_ones
        said = {(row.event_id, row.user_id, row.reason_code) for row in rows(self.tenant, Decision)}
        for line in notes(self.tenant, state=NotificationState.SKIPPED):
            assert (line.event_id, line.user_id, line.reason) in said

    # Helpers

    def _add(self, client: int, title: str, *, is_history: bool = False, **fields: Any) -> None:
        event = add_event(
            self.tenant, self.clients[client], title, at=self.now, is_history=is_history, **fields
        )
        self.news[event] = News(client, self.now, is_history)

    def _event(self, which: int) -> tuple[UUID, News]:
        return list(self.news.items())[which % len(self.news)]

    def _set_event(self, event: UUID, known: News, **values: Any) -> None:
        change(self.tenant, Event, Event.id == event, needs_filter=True, **values)
        known.waits = True

    def _considered(self, client: int) -> set[int]:
        """Who looks after the client, who stands in for one of them, and who follows every client."""
        found = set(self.assigned[client])
        for number in self.assigned[client]:
            away = self.people[number].away
            if away.cover is not None and away.at(self.now, self.people[number].zone):
                found.add(away.cover)
        found |= {number for number, one in enumerate(self.people) if one.active and not one.only_assigned}
        return found

    def _untold(self, client: int) -> list[UUID]:
        """The client's decided news of the last days that is in nobody's mail."""
        told = {(line.event_id, line.revision) for line in notes(self.tenant) if line.state in TOLD}
        since = self.now - timedelta(days=get_settings().freshness_days)
        return [
            event
            for event, known in self.news.items()
            if known.client == client
            and known.at >= since
            and not (known.is_history or known.withdrawn or known.waits)
            and (event, known.revision) not in told
        ]

    def _absent(self, person: int, away: Away) -> None:
        wanted = {
            "absent_from": away.first,
            "absent_until": away.last,
            "cover": EMAILS[away.cover] if away.cover is not None else None,
        }
        change_preferences(self.scope, self.people[person].id, wanted, now=self.now)
        self.people[person].away = away

    def _as(self, who: Person) -> Scope:
        return Scope(self.scope.business, who.id, Role.MANAGER)

    def _preferences(self) -> list[Any]:
        return rows(self.tenant, UserPreference)


def test_a_hard_week_step_by_step(db: Engine) -> None:
    """What chance would need long for: each step is one of the machine's, with all that must hold after it."""
    week = Conservation()
    week.tenant_of_its_own()
    maria, ivo, ana = range(PEOPLE)

    def do(step: Callable[..., None], **how: Any) -> None:
        step(**how)
        week.nothing_is_lost_or_doubled()

    do(week.ask_for, person=ivo, wanted={"quiet_from": time(8), "quiet_until": time(12)})
    do(week.decide, limit=100)
    do(week.compose)  # Maria's digest; Ivo's items wait for the end of his quiet hours
    do(week.tick, given=[Result.UNAVAILABLE])
    do(week.time_passes, minutes=600)
    do(week.ask_for, person=ivo, wanted={"max_instant_per_day": 1, "max_items_per_digest": 2})
    do(week.run_mails, given=[Result.SENT, Result.SENT])
    do(week.something_happens, client=0, relevance=0.95, is_history=False, category="funding", at_once=True)
    do(week.time_passes, minutes=5)
    do(week.run_mails, given=[])  # his one instant mail of the day is used
    do(week.ask_for, person=ivo, wanted={"frequency": Frequency.DAILY})  # what he was told stays instant mail
    do(week.assign, client=0, readers={ivo, ana})  # Maria hands over; what she was told is nobody's news
    do(week.something_happens, client=2, relevance=0.8, is_history=False, category="layoffs", at_once=True)
    do(week.assign, client=2, readers={ivo})
    do(week.assign, client=2, readers={maria, ivo})  # and gets one back that waits
    do(week.assign, client=2, readers={maria})
    do(week.go_away, person=maria, days=1, cover=ivo)
    do(week.something_happens_to_several, client=2, relevance=0.8, at_once=True)
    do(week.there_is_more_to_it, which=1, at_once=True)
    do(week.compose)
    do(week.days_pass, days=1, given=[Result.TEMPORARY, Result.UNAVAILABLE])
    do(week.days_pass, days=1, given=[Result.UNKNOWN, Result.PERMANENT])  # all that was put off comes along
    do(week.there_is_more_to_it, which=0, at_once=False)
    do(week.try_a_failed_one_again)
    do(week.die_while_sending, given=[])
    do(week.time_passes, minutes=60)
    do(week.tick, given=[])
    do(week.say_how_it_ended, sent=False)
    do(week.hold_or_release, held=True)
    do(week.tick, given=[])
    do(week.leave_or_return, person=ana)
    do(week.something_happens, client=1, relevance=0.95, is_history=False, category="funding", at_once=True)
    do(week.make_an_exception, person=maria, client=1, muted=True, threshold=None)
    do(week.it_is_another_company_or_is_not, which=2, at_once=True)
    do(week.make_an_exception, person=maria, client=1, muted=False, threshold=0.5)
    do(week.it_is_another_company_or_is_not, which=2, at_once=True)
    do(week.leave_or_return, person=ana)
    do(week.unsubscribe_or_resume, person=ivo, kind=DeliveryKind.DIGEST, stopped=True)
    do(week.days_pass, days=8, given=[])
    week.teardown()
    assert {line.state for line in notes(week.tenant)} >= {
        NotificationState.DELIVERED,
        NotificationState.SKIPPED,
    }
    assert len(week.told) > 10


def machine(**limits: Any) -> None:
    profile = settings(deadline=None, suppress_health_check=list(HealthCheck), **limits)
    run_state_machine_as_test(Conservation, settings=profile)


def test_nothing_is_lost_or_doubled_whatever_happens(db: Engine) -> None:
    machine(max_examples=6, stateful_step_count=25, derandomize=True)


@pytest.mark.full
def test_nothing_is_lost_or_doubled_at_length(db: Engine) -> None:
    machine(max_examples=80, stateful_step_count=50)
