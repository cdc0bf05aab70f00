"""What came of months of watching: how much, how good, how useful, at what cost. Aggregates; days are UTC days.

Admins see the tenant, everybody else the clients they look after now. What is about the tenant as a whole, what AI
costs and how sources do, is the admins'.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlmodel import Session

from models.base import utc_now
from models.clients import Client, every_client, open_assignments
from models.clock import FixedClock
from models.engine import reading
from models.events import Category
from models.feedback import FeedbackVerdict
from models.figures import (
    Clients,
    EventFigures,
    LedgerFigures,
    VerdictFigures,
    articles_found,
    event_figures,
    events_by_client,
    events_wanted_and_mailed,
    ledger_figures,
    stories_and_events,
    verdict_figures,
)
from models.mail import DeliveryKind, NotificationState, SkipReason
from models.returns import Actor, ReturnKind, counts_between, mails_and_readers
from models.scope import Scope
from services.accounts import is_admin
from services.engagement import FEW, tracks
from services.errors import UserError
from services.insights.shapes import ClientUse, Funnel, Hits, Insights, Week
from services.insights.tenant import ai_use, source_health

__all__ = ["RANGES", "Insights", "insights"]

RANGES = (4, 12, 26)
"""Weeks one may look back, the present one included."""
_NEWS_MAIL = (DeliveryKind.EVENT, DeliveryKind.DIGEST)


def insights(
    scope: Scope, *, weeks: int = 12, client_id: UUID | None = None, now: datetime | None = None
) -> Insights:
    """The figures of the last weeks, the present one included, of all clients one may see or of one.

    UserError for a range that is not offered and for a client that one may not see or that is none.
    """
    if weeks not in RANGES:
        raise UserError(f"{weeks} weeks cannot be shown", f"choose one of {', '.join(map(str, RANGES))}")
    now = now or utc_now()
    sees_all = is_admin(scope)
    with reading(scope) as session:
        every = every_client(scope, session)
        names = _names(scope, session, every, sees_all=sees_all)
        if client_id is not None and client_id not in names:
            raise UserError("there is no such client among those you look after", "choose another one")
        clients = _clients(names, client_id, sees_all=sees_all)
        since = monday_of(now) - timedelta(weeks=weeks - 1)
        found = event_figures(scope, session, since, clients)
        said = verdict_figures(scope, session, since, clients)
        lines = ledger_figures(scope, session, since, clients)
        is_whole = sees_all and client_id is None
        return Insights(
            since=since,
            until=now,
            client_id=client_id,
            clients=names,
            sees_all=sees_all,
            weeks=_weeks(since.date(), weeks, found, said),
            uses=_uses(events_by_client(scope, session, since, clients), said, every),
            funnel=_funnel(scope, session, since, now, clients, is_whole=is_whole),
            skipped=_skipped(lines),
            ai=ai_use(scope, session, since, FixedClock(now)) if is_whole else None,
            sources=source_health(scope, session, since, now) if is_whole else None,
        )


def monday_of(now: datetime) -> datetime:
    """The first instant of the instant's ISO week, in UTC."""
    today = now.astimezone(UTC).date()
    return datetime.combine(today - timedelta(days=today.weekday()), time(), UTC)


def _names(scope: Scope, session: Session, every: Iterable[Client], *, sees_all: bool) -> dict[UUID, str]:
    assigned = {} if sees_all else open_assignments(scope, session)
    return {
        client.id: client.name
        for client in every
        if client.archived_at is None and (sees_all or scope.user_id in assigned.get(client.id, ()))
    }


def _clients(names: Mapping[UUID, str], client_id: UUID | None, *, sees_all: bool) -> Clients:
    if client_id is not None:
        return [client_id]
    return None if sees_all else sorted(names)


def _weeks(
    first: date, count: int, found: Iterable[EventFigures], said: Iterable[VerdictFigures]
) -> tuple[Week, ...]:
    events: dict[date, list[EventFigures]] = defaultdict(list)
    verdicts: dict[date, Counter[FeedbackVerdict]] = defaultdict(Counter)
    for row in found:
        events[_monday(row.day)].append(row)
    for told in said:
        verdicts[_monday(told.day)][told.verdict] += told.said
    mondays = (first + timedelta(weeks=number) for number in range(count))
    return tuple(_week(monday, events[monday], verdicts[monday]) for monday in mondays)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week(monday: date, rows: Collection[EventFigures], said: Mapping[FeedbackVerdict, int]) -> Week:
    by_category: Counter[Category] = Counter()
    for row in rows:
        by_category[row.category] += row.events
    total = by_category.total()
    return Week(
        monday=monday,
        by_category=by_category,
        sentiment=sum(row.sentiment for row in rows) / total if total else None,
        bad=sum(row.bad for row in rows),
        good=sum(row.good for row in rows),
        **_said(said),
    )


def _said(said: Mapping[FeedbackVerdict, int]) -> dict[str, int]:
    return {verdict.value: said.get(verdict, 0) for verdict in FeedbackVerdict}


def _uses(
    events: Mapping[UUID, int], said: Iterable[VerdictFigures], every: Iterable[Client]
) -> tuple[ClientUse, ...]:
    names = {client.id: client.name for client in every}
    verdicts: dict[UUID, Counter[FeedbackVerdict]] = defaultdict(Counter)
    for row in said:
        verdicts[row.client_id][row.verdict] += row.said
    uses = [
        ClientUse(
            client_id=client,
            client=names[client],
            events=events.get(client, 0),
            **_said(verdicts[client]),
        )
        for client in events.keys() | verdicts.keys()
    ]
    return tuple(sorted(uses, key=lambda use: (-use.events, use.client)))


def _skipped(lines: Iterable[LedgerFigures]) -> dict[SkipReason, int]:
    counted: Counter[SkipReason] = Counter()
    for row in lines:
        if row.state is NotificationState.SKIPPED and row.reason is not None:
            counted[row.reason] += row.lines
    return dict(counted.most_common())


def _funnel(
    scope: Scope, session: Session, since: datetime, now: datetime, clients: Clients, *, is_whole: bool
) -> Funnel:
    stories, events = stories_and_events(scope, session, since, clients)
    wanted, mailed = events_wanted_and_mailed(scope, session, since, clients)
    sent = mails_and_readers(scope, session, since, now, None if is_admin(scope) else scope.user_id)
    funnel = Funnel(
        articles=articles_found(scope, session, since) if is_whole else None,
        stories=stories,
        events=events,
        wanted=wanted,
        mailed=mailed,
        mails=sum(sent[kind][0] for kind in _NEWS_MAIL if kind in sent),
    )
    if not is_whole or not tracks(scope, session):
        return funnel
    told = [kind for kind in _NEWS_MAIL if kind in sent and sent[kind][1] >= FEW]
    if not told:
        return funnel.model_copy(update={"hits_withheld": True})
    opens, clicks = _hits(scope, session, since, now, told)
    return funnel.model_copy(update={"opens": opens, "clicks": clicks})


def _hits(
    scope: Scope, session: Session, since: datetime, now: datetime, kinds: Collection[DeliveryKind]
) -> tuple[Hits, Hits]:
    counted: dict[ReturnKind, Counter[Actor]] = defaultdict(Counter)
    for row in counts_between(scope, session, since.date(), now.date()):
        if row.delivery_kind in kinds:
            counted[row.kind][row.actor] += row.hits
    return Hits.of(counted[ReturnKind.OPEN]), Hits.of(counted[ReturnKind.CLICK])
