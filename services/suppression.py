"""Addresses we must not write to: learnt from what providers report, told by people, and lifted by admins.

- A hard bounce or a complaint suppresses the address at once, for every kind of mail.
- Soft bounces do after ``SERIES`` mails within ``SERIES_TIME`` came back with none delivered in between.
- Who unsubscribes is suppressed for that kind of mail alone (a *topic*).

All of it holds for one tenant, is checked again when a mail is sent (``models.mail.suppressed_topics``), stands in the
audit log, and can be lifted. A provider's report is taken once, by its id, however often it is delivered.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session, select

from models.audit import record
from models.base import utc_now
from models.engine import insert_rows, reading, writing
from models.mail import EVERY_TOPIC, Delivery, EmailEvent, Suppression
from models.returns import Actor, ReturnKind, SuppressionReason, bounces_in_a_row, suppressions
from models.scope import Scope
from services.accounts import lock_business, require_admin
from services.errors import UserError
from services.shortids import pick

SERIES = 5
SERIES_TIME = timedelta(days=14)
"""Five mails in two weeks: a mailbox that is full over a holiday recovers, one that was left does not."""
_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says became of one mail at one address."""

    kind: ReturnKind
    source: str
    """The provider's name."""
    event_id: str
    """The provider's own id of the report: a second one with the same id is the same report."""
    address: str
    at: datetime
    delivery_id: UUID | None = None
    """Our delivery, where the provider gives back the tag we sent."""
    provider_id: str = ""
    """The provider's id of the mail, by which it is found otherwise."""
    detail: str = ""


class Listed(BaseModel):
    """One suppression as it is shown."""

    id: UUID
    address: str
    topic: str
    reason: str
    detail: str
    created_at: datetime
    lifted_at: datetime | None


def delivery_of(report: Report) -> Delivery | None:
    """The mail a report is about, of whichever tenant: no id is given twice. None when it is not one of ours."""
    query = select(Delivery)
    if report.delivery_id is not None:
        query = query.where(Delivery.id == report.delivery_id)
    elif report.provider_id:
        query = query.where(Delivery.provider_id == report.provider_id)
    else:
        return None
    with reading(Scope.operator()) as session:
        return session.exec(query.limit(1)).first()


def take_report(report: Report, *, now: datetime | None = None) -> bool:
    """Write down what became of a mail, and suppress its address where that follows; whether the report was new.

    Reports about mails we do not know are nobody's. One about another address than the mail's own (all mail was
    redirected in a trial) is written down and suppresses nobody.
    """
    delivery = delivery_of(report)
    if delivery is None:
        return False
    scope, at = Scope.system(delivery.business_id), now or utc_now()
    with writing(scope) as session:
        # Two reports at once must not each be the fourth of a series of five.
        lock_business(scope, session)
        if not _written(session, delivery.id, report):
            return False
        reason = _follows(scope, session, delivery, report, at)
        if reason is not None:
            suppress(scope, session, report.address, reason, detail=_words(report), now=at)
    return True


def _written(session: Session, delivery_id: UUID, report: Report) -> bool:
    row = {
        "delivery_id": delivery_id,
        "kind": report.kind.value,
        "source": report.source,
        "actor": Actor.MACHINE.value,
        "provider_event_id": f"{report.source}:{report.event_id}"[:200],
        "target": report.address[:500],
        "user_agent": "",
        "detail": report.detail[:_DETAIL],
        "created_at": report.at,
    }
    return bool(insert_rows(session, EmailEvent, [row], ignore_conflicts=True, returning=("id",)))


def _follows(
    scope: Scope, session: Session, delivery: Delivery, report: Report, now: datetime
) -> SuppressionReason | None:
    if report.address.lower() != delivery.recipient.lower():
        return None
    match report.kind:
        case ReturnKind.HARD_BOUNCE:
            return SuppressionReason.HARD_BOUNCE
        case ReturnKind.COMPLAINT:
            return SuppressionReason.COMPLAINT
        case ReturnKind.UNSUBSCRIBE:
            return SuppressionReason.UNSUBSCRIBED
        case ReturnKind.SOFT_BOUNCE:
            # What led to a suppression that was lifted does not lead to the next one.
            lifted = [
                row.lifted_at for row in suppressions(scope, session, recipient=report.address, lifted=True)
            ]
            since = max([now - SERIES_TIME, *(moment for moment in lifted if moment is not None)])
            in_a_row = bounces_in_a_row(scope, session, report.address, since)
            return SuppressionReason.SOFT_BOUNCES if in_a_row >= SERIES else None
        case _:
            return None


def _words(report: Report) -> str:
    told = f"{report.source} reported {report.kind.value.replace('_', ' ')}"
    return f"{told}: {report.detail}"[:_DETAIL] if report.detail else told


def suppress(
    scope: Scope,
    session: Session,
    address: str,
    reason: SuppressionReason,
    *,
    topic: str = EVERY_TOPIC,
    detail: str = "",
    now: datetime,
) -> bool:
    """Write to the address no more, in the caller's transaction; False where that reason is in force already."""
    for known in suppressions(scope, session, recipient=address):
        if known.topic == topic and known.reason == reason.value:
            return False
    row = Suppression(
        business_id=scope.business,
        recipient=address.strip().lower(),
        topic=topic,
        reason=reason.value,
        detail=detail,
        created_by=scope.user_id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    record(scope, session, "suppression.added", str(row.id), topic=topic, reason=reason.value)
    return True


def lift_rows(
    scope: Scope, session: Session, rows: Collection[Suppression], why: str, *, now: datetime
) -> None:
    """Let mail go to these addresses again, in the caller's transaction."""
    for row in rows:
        row.lifted_at, row.lifted_by = now, scope.user_id
        session.add(row)
        record(
            scope, session, "suppression.lifted", str(row.id), topic=row.topic, reason=row.reason, because=why
        )


def listing(scope: Scope, *, lifted: bool = False) -> list[Listed]:
    """The tenant's suppressions in force, newest first; with ``lifted`` also those of the past. For admins."""
    require_admin(scope)
    with reading(scope) as session:
        return [_listed(row) for row in suppressions(scope, session, lifted=lifted)]


def lift(scope: Scope, given: str, why: str, *, now: datetime | None = None) -> list[Listed]:
    """Lift what is in force for an address, or the suppression of this id. For admins; ``why`` is kept.

    UserError when there is none, or no reason is given. What was not sent meanwhile is not sent after.
    """
    require_admin(scope)
    why = " ".join(why.split())[:_DETAIL]
    if not why:
        raise UserError("a suppression is lifted for a reason", "say why it may be written to again")
    with writing(scope) as session:
        lock_business(scope, session)
        rows = _meant(scope, session, given)
        lift_rows(scope, session, rows, why, now=now or utc_now())
        return [_listed(row) for row in rows]


def _meant(scope: Scope, session: Session, given: str) -> Sequence[Suppression]:
    if "@" not in given:
        in_force = suppressions(scope, session)
        return [pick(in_force, given, "suppression in force", "client-monitor suppressions list shows them")]
    rows = suppressions(scope, session, recipient=given.strip())
    if not rows:
        raise UserError(f"{given.strip()} is not suppressed", "client-monitor suppressions list shows who is")
    return rows


def _listed(row: Suppression) -> Listed:
    return Listed(
        id=row.id,
        address=row.recipient,
        topic=row.topic,
        reason=row.reason,
        detail=row.detail,
        created_at=row.created_at,
        lifted_at=row.lifted_at,
    )
