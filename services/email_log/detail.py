"""One mail of the log: what was in it and why, and what became of it, step by step."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import users
from models.audit import AuditLog
from models.engine import reading
from models.events import Category
from models.feed import last_reasons
from models.mail import Delivery, DeliveryState, EmailEvent, NotificationState, SkipReason
from models.mail_log import LedgerItem, audit_of, items_of, mail_by_id, returns_of
from models.returns import Actor, ReturnKind
from models.scope import Scope
from services.accounts import is_admin
from services.email_log.filters import may_see
from services.email_log.shown import HITS, MailLine, agrees, is_own, lines_of
from services.engagement import tracks
from services.errors import UserError

ITEMS = 100
"""A mail shows ten by default; who wants a hundred has chosen so."""
_STEPS = 200


class Item(BaseModel):
    """One line of the ledger that belongs to a mail."""

    model_config = ConfigDict(frozen=True)

    event_id: UUID
    article_id: UUID
    client_id: UUID
    client: str
    title: str
    category: Category
    relevance: float
    happened_at: datetime
    state: NotificationState
    left_out: SkipReason | None
    """Why it is not in the mail after all; None for what is."""
    why: str
    """What was decided about it for this reader, in a sentence; empty where that is past its time."""
    is_history: bool
    revision: int


class What(StrEnum):
    """What happened to a mail."""

    PLANNED = "planned"
    ATTEMPT = "attempt"
    SENT = "sent"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    SOFT_BOUNCE = "soft_bounce"
    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    OPEN = "open"
    CLICK = "click"
    RETRIED = "retried"
    RESOLVED = "resolved"
    READ = "read"
    NEXT = "next_attempt"
    """Still to come."""


class Moment(BaseModel):
    """One step of a mail's history."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    what: What
    detail: str = ""
    by: str = ""
    """The person or the service that did or reported it; empty for the product itself."""
    actor: Actor | None = None
    """Who seems to have opened or clicked."""


class MailDetail(BaseModel):
    """All there is to know of a mail but its words (``services.mailview.view``)."""

    model_config = ConfigDict(frozen=True)

    line: MailLine
    window_start: datetime | None
    window_end: datetime | None
    items: tuple[Item, ...]
    """The most relevant first, at most ``ITEMS``."""
    has_more_items: bool
    history: tuple[Moment, ...]
    """Oldest first."""
    may_retry: bool
    may_resolve: bool


def mail_detail(scope: Scope, delivery_id: UUID) -> MailDetail:
    """One mail. PermissionError for a mail that is not one's own, unless an admin asks; UserError for no mail."""
    with reading(scope) as session:
        mail = mail_by_id(scope, session, delivery_id)
        if mail is None and is_admin(scope):
            raise UserError("there is no such mail", "look for it in the email log")
        if mail is None or not may_see(scope, mail):
            raise PermissionError(f"a {scope.role.value} may see their own mail only")
        [line] = lines_of(scope, session, [mail])
        items = _items(scope, session, mail)
        return MailDetail(
            line=line,
            window_start=mail.window_start,
            window_end=mail.window_end,
            items=tuple(items[:ITEMS]),
            has_more_items=len(items) > ITEMS,
            history=tuple(sorted(_history(scope, session, mail), key=lambda moment: moment.at)),
            may_retry=is_admin(scope) and mail.state is DeliveryState.FAILED,
            may_resolve=is_admin(scope) and mail.state is DeliveryState.UNKNOWN,
        )


def _items(scope: Scope, session: Session, mail: Delivery) -> list[Item]:
    rows = items_of(scope, session, mail.id, limit=ITEMS + 1)
    events = [row.event_id for row in rows]
    why = last_reasons(scope, session, events, mail.user_id) if mail.user_id and events else {}
    return [_item(row, why.get(row.event_id, "")) for row in rows]


def _item(row: LedgerItem, why: str) -> Item:
    return Item(
        event_id=row.event_id,
        article_id=row.article_id,
        client_id=row.client_id,
        client=row.client,
        title=row.title,
        category=row.category,
        relevance=row.relevance,
        happened_at=row.happened_at,
        state=row.state,
        left_out=row.reason,
        why=why,
        is_history=row.is_history,
        revision=row.revision,
    )


def _history(scope: Scope, session: Session, mail: Delivery) -> Iterator[Moment]:
    yield Moment(at=mail.created_at, what=What.PLANNED, detail=mail.slot)
    if mail.sent_at is not None:
        yield Moment(at=mail.sent_at, what=What.SENT, by=mail.transport)
    returns = returns_of(scope, session, mail.id, limit=_STEPS)
    may_see_hits = is_own(scope, mail) and agrees(scope, session) and tracks(scope, session)
    yield from _reports(returns, may_see_hits=may_see_hits)
    if not any(row.kind == ReturnKind.ATTEMPT.value for row in returns) and mail.last_error:
        # Of before attempts were kept, or one that did not count as the mail's own.
        yield Moment(at=mail.sent_at or mail.created_at, what=What.ATTEMPT, detail=mail.last_error)
    if is_admin(scope):
        yield from _done_by_people(scope, session, audit_of(scope, session, str(mail.id), limit=_STEPS))
    if mail.state is DeliveryState.INTENT:
        yield Moment(at=mail.next_attempt_at, what=What.NEXT)


def _reports(returns: Sequence[EmailEvent], *, may_see_hits: bool) -> Iterator[Moment]:
    hits = {hit.value for hit in HITS}
    for row in returns:
        is_hit = row.kind in hits
        if row.kind not in set(What) or (is_hit and not may_see_hits):
            continue
        yield Moment(
            at=row.created_at,
            what=What(row.kind),
            detail=row.detail if not is_hit else row.target,
            by=row.source,
            actor=Actor(row.actor) if is_hit else None,
        )


_DONE = {"mail.retried": What.RETRIED, "mail.resolved": What.RESOLVED, "mail.read": What.READ}


def _done_by_people(scope: Scope, session: Session, rows: Sequence[AuditLog]) -> Iterator[Moment]:
    names = {user.id: user.name for user in users(scope, session)} if rows else {}
    for row in rows:
        what = _DONE.get(row.action)
        if what is None:
            continue
        detail = ""
        if what is What.RESOLVED:
            detail = "as sent" if row.details.get("sent") else "as not sent"
        by = names.get(row.actor_id, "somebody who is gone") if row.actor_id else ""
        yield Moment(at=row.created_at, what=what, detail=detail, by=by)
