"""Intent before acting: which mail a tick or window calls for, and which waiting lines it takes along.

Each mail is planned in one transaction: the delivery with its unique slot first, then the lines it carries. A slot
that exists is somebody's already, and nothing is done.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from models.accounts import Business, Frequency, User, UserPreference
from models.clock import Clock, SystemClock
from models.engine import insert_rows, reading, writing
from models.events import Stage
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Notification,
    NotificationState,
    Route,
    SkipReason,
)
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.absence import Absence
from tasks.filter.facts import People, load_people
from tasks.filter.ledger import Line, lines, move, skip
from tasks.filter.recheck import objections, recheck
from tasks.filter.rules import Verdict
from tasks.notify.catchup import close_missed, delivery_row, take_back_unsent
from tasks.notify.selection import Entry, choose
from tasks.notify.troubles import notices
from tasks.notify.windows import (
    TICK,
    Window,
    daily_before,
    in_quiet_hours,
    instant_window,
    local_day,
    weekly_before,
    zone_of,
)
from tasks.plan import StageReport

_UTC = ZoneInfo("UTC")
_UNUSED = (DeliveryState.EMPTY, DeliveryState.COALESCED)


@dataclass(frozen=True, slots=True)
class Reader:
    """One person as planning sees them."""

    user: User
    wants: UserPreference
    zone: ZoneInfo
    absence: Absence | None = None

    @property
    def instant(self) -> bool:
        return self.wants.notification_frequency is Frequency.INSTANT

    def windows(self, now: datetime) -> Iterator[Window]:
        """This person's digest windows due at ``now``, the latest first. An instant reader has a daily one, for what
        the day's instant mails had no room for."""
        wants = self.wants
        if wants.notification_frequency is Frequency.WEEKLY:
            found = weekly_before(now, wants.digest_day_of_week, wants.digest_time, self.zone)
        else:
            found = daily_before(now, wants.digest_time, self.zone)
        return (window for window in found if not self.away(window.at))

    def away(self, at: datetime) -> bool:
        """Whether the person is absent then: nothing is planned, and what waits goes into the digest on return."""
        return self.absence is not None and self.absence.at(at)


def readers(people: People) -> list[Reader]:
    """Everybody who can get mail at all, by address."""
    able = [user for user in people.users.values() if people.unreachable(user.id) is None]
    return [
        Reader(
            user,
            people.preferences[user.id],
            zone_of(user.timezone) or _UTC,
            people.absences.get(user.id),
        )
        for user in sorted(able, key=lambda user: user.email)
    ]


def plan_instant(
    scope: Scope, now: datetime, *, channel: Channel = Channel.EMAIL, clock: Clock | None = None
) -> StageReport:
    """Attach each person's waiting instant lines to this five-minute tick's mail.

    Within quiet hours they wait. Past the day's limit of instant mails, beyond a mail's room, or when the person no
    longer wants instant mail, they take the digest's route.
    """
    at = (clock or SystemClock()).now()
    with reading(scope) as session:
        waiting = set(
            session.exec(
                select(Notification.user_id).where(
                    Notification.state == NotificationState.WAITING,
                    Notification.route == Route.INSTANT,
                    Notification.channel == channel,
                )
            )
        )
    report = StageReport(stage=Stage.NOTIFY.value)
    for user_id in sorted(waiting):
        with writing(scope) as session:
            planner = _Planner(scope, session, now, at, channel)
            report += planner.instant(user_id)
    return report


def plan_digests(
    scope: Scope,
    now: datetime,
    *,
    channel: Channel = Channel.EMAIL,
    clock: Clock | None = None,
    only: Collection[UUID] | None = None,
) -> StageReport:
    """For every person (or ``only`` these) the latest window due at ``now``: one delivery with what waits, or an empty
    one.

    Windows missed since the last one are closed as coalesced (``tasks.notify.catchup``). Mail of earlier windows
    that was never accepted anywhere is coalesced too, and its items come along.
    """
    at = (clock or SystemClock()).now()
    report = StageReport(stage=Stage.NOTIFY.value)
    with reading(scope) as session:
        people = load_people(scope, session)
        due = {
            reader.user.id: (reader, next(reader.windows(now)))
            for reader in readers(people)
            # A window from before an absence that nobody was there for waits for the return as well.
            if (only is None or reader.user.id in only) and not reader.away(now)
        }
        used = _used_slots(scope, session, channel, {window.slot for _, window in due.values()})
        out_of_reach = sorted(people.users.keys() - {r.user.id for r in readers(people)})
        stranded = lines(scope, session, channel=channel, user_ids=out_of_reach) if out_of_reach else []
    odd = tuple(
        f"{user.email}: unknown time zone {user.timezone!r}, UTC is used"
        for user in people.users.values()
        if user.id in due and zone_of(user.timezone) is None
    )
    if stranded:
        with writing(scope) as session:
            _, dropped = _Planner(scope, session, now, at, channel).recheck(stranded)
        report += StageReport(stage=report.stage, counts={"skipped": dropped})
    for reader, window in due.values():
        if (reader.user.email, window.slot) in used:
            continue
        with writing(scope) as session:
            report += _Planner(scope, session, now, at, channel).digest(reader, window)
    return report + StageReport(stage=report.stage, degraded=odd)


def _used_slots(
    scope: Scope, session: Session, channel: Channel, slots: Iterable[str]
) -> set[tuple[str, str]]:
    query = select(Delivery.recipient, Delivery.slot).where(
        Delivery.channel == channel,
        Delivery.kind == DeliveryKind.DIGEST,
        col(Delivery.slot).in_(sorted(slots)),
    )
    return {(recipient, slot) for recipient, slot in session.exec(query)}


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans one mail inside the caller's transaction."""

    scope: Scope
    session: Session
    now: datetime
    at: datetime
    channel: Channel

    def instant(self, user_id: UUID) -> StageReport:
        people = load_people(self.scope, self.session, [user_id])
        waiting = lines(
            self.scope, self.session, route=Route.INSTANT, channel=self.channel, user_ids=[user_id]
        )
        kept, dropped = self.recheck(waiting, people)
        done = 0
        counts: dict[str, int] = {}
        found = readers(people)
        if kept and found:
            done, counts = self._instant(found[0], kept)
        return StageReport(stage=Stage.NOTIFY.value, done=done, counts=counts | {"skipped": dropped})

    def _instant(self, reader: Reader, kept: Sequence[Line]) -> tuple[int, dict[str, int]]:
        """How many mails were planned, and what became of the lines."""
        wants = reader.wants
        if not reader.instant or reader.away(self.now):
            return 0, {"to_digest": self._to_digest(kept)}
        if in_quiet_hours(self.now, wants.quiet_from, wants.quiet_until, reader.zone):
            return 0, {"quiet": len(kept)}
        if self._instant_mails_today(reader) >= wants.max_instant_per_day:
            return 0, {"to_digest": self._to_digest(kept)}
        chosen = choose(kept, max_items=wants.max_items_per_digest, max_per_client=wants.max_items_per_client)
        delivery_id = self._claim_slot(
            reader.user, DeliveryKind.EVENT, instant_window(self.now), len(chosen.shown)
        )
        if delivery_id is None:
            return 0, {"next_tick": len(kept)}
        self._attach(delivery_id, chosen.shown, Route.INSTANT)
        left = self._to_digest([line for entry in chosen.over for line in entry.lines])
        return 1, {"planned": 1, "to_digest": left}

    def digest(self, reader: Reader, window: Window) -> StageReport:
        scope, session, user = self.scope, self.session, reader.user
        delivery_id = self._claim_slot(user, DeliveryKind.DIGEST, window, 0)
        if delivery_id is None:
            return StageReport(stage=Stage.NOTIFY.value)
        take_back_unsent(
            scope, session, user.id, channel=self.channel, now=self.now, at=self.at, but=delivery_id
        )
        missed = close_missed(
            scope, session, user, reader.windows(self.now), channel=self.channel, at=self.at, but=delivery_id
        )
        # Who no longer wants instant mail gets in the digest what still waits for one.
        route = Route.DIGEST if reader.instant else None
        waiting = lines(scope, session, route=route, channel=self.channel, user_ids=[user.id])
        people = load_people(scope, session, [user.id])
        kept, dropped = self.recheck(waiting, people)
        wants = reader.wants
        chosen = choose(kept, max_items=wants.max_items_per_digest, max_per_client=wants.max_items_per_client)
        self._attach(delivery_id, chosen.shown, Route.DIGEST)
        self._leave_in_app(delivery_id, chosen.over, wants)
        weekly = wants.notification_frequency is Frequency.WEEKLY
        days = session.exec(select(Business.silent_days).where(Business.id == scope.business)).one()
        said = notices(scope, session, people.followed(user.id), window.at, weekly=weekly, silent_days=days)
        something = bool(chosen.shown) or bool(said)
        self._set(
            delivery_id,
            state=DeliveryState.INTENT if something else DeliveryState.EMPTY,
            item_count=len(chosen.shown),
            more_count=len(chosen.over),
        )
        counts = {
            "planned" if something else "empty": 1,
            "coalesced": missed,
            "skipped": dropped,
            "over_limit": sum(len(entry.lines) for entry in chosen.over),
        }
        return StageReport(stage=Stage.NOTIFY.value, done=1, counts=counts)

    def recheck(self, waiting: Sequence[Line], people: People | None = None) -> tuple[list[Line], int]:
        """Lines that still qualify, and how many were closed because they do not."""
        if not waiting:
            return [], 0
        if people is None:
            people = load_people(self.scope, self.session, sorted({line.user_id for line in waiting}))
        days = get_settings().freshness_days
        verdicts = recheck(people, waiting, now=self.now, freshness_days=days)
        dropped = skip(self.session, objections(verdicts), stage=Stage.NOTIFY, at=self.at)
        return [line for line, verdict in verdicts.items() if verdict.route], dropped

    def _claim_slot(self, user: User, kind: DeliveryKind, window: Window, items: int) -> UUID | None:
        """The new delivery's id; None when the slot is used."""
        end = window.at + TICK if kind is DeliveryKind.EVENT else window.at
        row = delivery_row(user, self.channel, kind, window=window, at=self.at) | {
            "item_count": items,
            "window_end": end,
        }
        made = insert_rows(self.session, Delivery, [row], ignore_conflicts=True, returning=("id",))
        return made[0]["id"] if made else None

    def _attach(self, delivery_id: UUID, shown: Sequence[Entry], route: Route) -> None:
        ids = [line.id for entry in shown for line in entry.lines]
        move(
            self.session,
            ids,
            states=(NotificationState.WAITING,),
            state=NotificationState.ATTACHED,
            delivery_id=delivery_id,
            route=route,
            updated_at=self.at,
        )

    def _to_digest(self, left: Sequence[Line]) -> int:
        states = (NotificationState.WAITING,)
        ids = [line.id for line in left]
        return len(move(self.session, ids, states=states, route=Route.DIGEST, updated_at=self.at))

    def _leave_in_app(self, delivery_id: UUID, over: Sequence[Entry], wants: UserPreference) -> None:
        verdict = Verdict(
            None,
            SkipReason.OVER_LIMIT,
            f"your digest shows {wants.max_items_per_digest} items and {wants.max_items_per_client} a client; "
            "this one waits in the app",
        )
        over_lines = [(line, verdict) for entry in over for line in entry.lines]
        skip(self.session, over_lines, stage=Stage.NOTIFY, at=self.at, delivery_id=delivery_id)

    def _set(self, delivery_id: UUID, **values: object) -> None:
        self.session.exec(
            update(Delivery)
            .where(col(Delivery.id) == delivery_id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )

    def _instant_mails_today(self, reader: Reader) -> int:
        start, end = local_day(self.now, reader.zone)
        query = select(func.count()).where(
            Delivery.user_id == reader.user.id,
            Delivery.channel == self.channel,
            Delivery.kind == DeliveryKind.EVENT,
            col(Delivery.window_start) >= start,
            col(Delivery.window_start) < end,
            col(Delivery.state).not_in(_UNUSED),
        )
        return self.session.exec(query).one()
