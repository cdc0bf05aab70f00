"""What an admin does about mail: stop and resume it, look at it, and decide what the outbox may not decide alone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import String, cast, func, update
from sqlmodel import Session, col, select

from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.mail import Channel, Delivery, DeliveryState, NotificationState
from models.scope import Scope
from services.accounts import is_admin
from services.errors import UserError
from services.shortids import pick
from tasks.filter.ledger import lines, move
from tasks.notify.hold import Hold, hold_of, on_hold, set_hold

_LISTED = "client-monitor mail list shows them"
_TAIL = 12
"""Hex digits of a UUID's last group: the longest end that reads the same in both databases."""


def hold(scope: Scope, reason: str) -> bool:
    """Stop all sending of the tenant at once; False when it was stopped already. Mail in transmission ends well."""
    _require_admin(scope)
    with writing(scope) as session:
        return set_hold(scope, session, held=True, reason=reason.strip()[:200])


def release(scope: Scope) -> bool:
    """Resume sending; False when nothing was stopped. What waited is due at once."""
    _require_admin(scope)
    with writing(scope) as session:
        return set_hold(scope, session, held=False, reason="")


def current_hold(scope: Scope) -> Hold | None:
    """The tenant's hold; None while it sends."""
    with reading(scope) as session:
        return hold_of(scope, session)


def waiting(scope: Scope) -> int:
    """Mails that are planned and not sent yet."""
    with reading(scope) as session:
        return _count(session, DeliveryState.INTENT)


def counts(scope: Scope) -> dict[DeliveryState, int]:
    """Real mail by state; states without any are left out."""
    with reading(scope) as session:
        found = {state: _count(session, state) for state in DeliveryState}
    return {state: count for state, count in found.items() if count}


def mails(scope: Scope, *, states: Sequence[DeliveryState] = (), limit: int = 50) -> list[Delivery]:
    """The newest lines of the email log, all of them or those in ``states``; for admins."""
    _require_admin(scope)
    query = select(Delivery).order_by(col(Delivery.created_at).desc(), col(Delivery.id).desc()).limit(limit)
    if states:
        query = query.where(col(Delivery.state).in_(states))
    with reading(scope) as session:
        return list(session.exec(query))


def find_mail(scope: Scope, given: str) -> Delivery:
    """The mail whose id is, or ends in, what was given; for admins. UserError when it is none or several."""
    _require_admin(scope)
    with reading(scope) as session:
        return _find(session, given)


def retry(scope: Scope, given: str, *, now: datetime | None = None) -> Delivery:
    """Send a failed mail after all, from the next tick on: its stored bytes, where they are kept.

    What no longer qualifies by then is left out, as of any mail. UserError for one that has not failed.
    """
    _require_admin(scope)
    with writing(scope) as session:
        mail = _find(session, given)
        if mail.state is not DeliveryState.FAILED:
            raise UserError(f"this mail is {mail.state.value}, not failed", _mend_for(mail))
        _to_outbox(scope, session, mail, items=NotificationState.FAILED, at=now or utc_now())
        record(scope, session, "mail.retried", str(mail.id))
        return mail


def resolve(scope: Scope, given: str, *, sent: bool, now: datetime | None = None) -> Delivery:
    """Say how a mail of unknown fate ended, once somebody has asked its reader or the provider.

    ``sent`` closes it as sent, as of now; otherwise its stored bytes go out with the next tick. While sending is on
    hold, mail that waits may be closed as sent too: a database that was put back does not know what it has sent.
    """
    _require_admin(scope)
    at = now or utc_now()
    with writing(scope) as session:
        mail = _find(session, given)
        waits = sent and mail.state is DeliveryState.INTENT and on_hold(scope, session)
        if mail.state is not DeliveryState.UNKNOWN and not waits:
            raise UserError(f"this mail is {mail.state.value}: nothing is unknown of it", _mend_for(mail))
        if sent:
            _close_sent(scope, session, mail, at)
        else:
            _to_outbox(scope, session, mail, items=NotificationState.UNKNOWN, at=at)
        record(scope, session, "mail.resolved", str(mail.id), sent=sent)
        return mail


def _to_outbox(
    scope: Scope, session: Session, mail: Delivery, *, items: NotificationState, at: datetime
) -> None:
    _change(
        session,
        mail,
        state=DeliveryState.INTENT,
        retries=0,
        next_attempt_at=at,
        last_error="",
        lease_holder=None,
        lease_expires_at=None,
    )
    _move_items(scope, session, mail, items, NotificationState.ATTACHED, at)


def _close_sent(scope: Scope, session: Session, mail: Delivery, at: datetime) -> None:
    items = NotificationState.UNKNOWN if mail.state is DeliveryState.UNKNOWN else NotificationState.ATTACHED
    _change(session, mail, state=DeliveryState.SENT, sent_at=at, last_error="")
    _move_items(scope, session, mail, items, NotificationState.DELIVERED, at)


def _change(session: Session, mail: Delivery, **values: object) -> None:
    changed = session.exec(
        update(Delivery)
        .where(col(Delivery.id) == mail.id, col(Delivery.state) == mail.state)
        .values(**values)
        .returning(col(Delivery.id))
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise UserError(
            "this mail has changed at this very moment", "look at it again: client-monitor mail show"
        )


def _move_items(
    scope: Scope,
    session: Session,
    mail: Delivery,
    old: NotificationState,
    new: NotificationState,
    at: datetime,
) -> None:
    held = lines(scope, session, states=(old,), delivery_id=mail.id)
    move(session, [line.id for line in held], states=(old,), state=new, updated_at=at)


def _find(session: Session, given: str) -> Delivery:
    wanted = given.strip().lower().replace("-", "")
    query = select(Delivery)
    if len(wanted) == 32:
        try:
            query = query.where(Delivery.id == UUID(wanted))
        except ValueError:
            raise UserError(f"{given!r} is no id", _LISTED) from None
    else:
        query = query.where(cast(col(Delivery.id), String).endswith(wanted[-_TAIL:], autoescape=True)).limit(
            100
        )
    return pick(list(session.exec(query)), given, "mail", _LISTED)


def _count(session: Session, state: DeliveryState) -> int:
    query = select(func.count()).select_from(Delivery)
    return session.exec(query.where(Delivery.state == state, Delivery.channel == Channel.EMAIL)).one()


def _mend_for(mail: Delivery) -> str:
    match mail.state:
        case DeliveryState.UNKNOWN:
            return "client-monitor mail resolve ID --sent or --not-sent"
        case DeliveryState.FAILED:
            return "client-monitor mail retry ID"
        case DeliveryState.INTENT:
            return "it goes out by itself when it is due"
        case _:
            return "there is nothing to do about it"


def _require_admin(scope: Scope) -> None:
    if not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may not decide about mail")
