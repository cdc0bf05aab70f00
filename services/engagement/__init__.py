"""Opens and clicks: counted without persons, kept under a name only where its bearer agreed (promise 13).

A hit is counted by tenant, UTC day, kind of mail and actor. Nothing else of it is stored, no address and no time of
day, unless the person agreed: then it is a row under their mail too, which goes when they withdraw. A tenant that has
not turned tracking on has nothing counted at all.
"""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import update
from sqlmodel import Session, col, select

from models.accounts import Business, stored_preference
from models.audit import record
from models.base import new_id, utc_now
from models.engine import reading, writing
from models.mail import Delivery, DeliveryKind, EmailEvent
from models.returns import Actor, ReturnKind, count_hits, counts_between, mails_and_readers
from models.scope import Scope
from services.accounts import require_admin
from services.engagement.actors import Hit, classify
from services.engagement.memory import Memory, Seen

__all__ = ["Engagement", "Hit", "Rate", "rates", "set_tracking", "tracks"]

FEW = 5
"""Fewer readers than this are persons, not a rate: their figures are withheld."""


class Engagement:
    """Takes hits. One a process: what it remembers of the last seconds tells scanners from people."""

    def __init__(self, gateways: Iterable[str] = ()) -> None:
        self._gateways: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(text) for text in gateways)
        self._memory = Memory()
        # One hit at a time: a burst moves what an earlier hit has just counted.
        self._one_at_a_time = threading.Lock()

    def take(self, delivery_id: UUID, hit: Hit) -> Actor | None:
        """Count a hit on a mail; None when nothing was: no such mail, tracking off, or the same hit again."""
        with reading(Scope.operator()) as session:
            delivery = session.exec(select(Delivery).where(Delivery.id == delivery_id)).first()
        if delivery is None:
            return None
        scope = Scope.system(delivery.business_id)
        with self._one_at_a_time, writing(scope) as session:
            if not tracks(scope, session):
                return None
            actor = classify(hit, delivery.sent_at, self._gateways)
            seen, wrong = self._memory.place(delivery_id, hit, actor)
            for one in wrong:
                _recount(scope, session, delivery, one)
            if seen is None:
                return None
            _count(scope, session, delivery, seen, 1)
            if _agreed(scope, session, delivery, hit.at):
                seen.event_id = _keep(session, delivery, seen)
            return seen.actor


def _count(scope: Scope, session: Session, delivery: Delivery, seen: Seen, hits: int) -> None:
    count_hits(
        scope,
        session,
        day=seen.hit.at.astimezone(UTC).date(),
        delivery_kind=delivery.kind,
        kind=seen.hit.kind,
        actor=seen.actor,
        hits=hits,
    )


def _recount(scope: Scope, session: Session, delivery: Delivery, seen: Seen) -> None:
    """A hit that was taken for a person's, or nobody's in particular, was a machine's."""
    _count(scope, session, delivery, seen, -1)
    seen.actor = Actor.MACHINE
    _count(scope, session, delivery, seen, 1)
    if seen.event_id is not None:
        session.exec(
            update(EmailEvent).where(col(EmailEvent.id) == seen.event_id).values(actor=seen.actor.value)
        )


def _agreed(scope: Scope, session: Session, delivery: Delivery, at: datetime) -> bool:
    if delivery.user_id is None:
        return False
    wants = stored_preference(scope, session, delivery.user_id)
    return wants is not None and wants.tracking_consent_at is not None and wants.tracking_consent_at <= at


def _keep(session: Session, delivery: Delivery, seen: Seen) -> UUID:
    event_id = new_id()
    session.add(
        EmailEvent(
            id=event_id,
            business_id=delivery.business_id,
            delivery_id=delivery.id,
            kind=seen.hit.kind.value,
            source=seen.hit.source,
            actor=seen.actor.value,
            provider_event_id=f"{seen.hit.source}:{event_id.hex}",
            target=seen.hit.target[:500],
            user_agent=seen.hit.user_agent[:300],
            created_at=seen.hit.at,
        )
    )
    return event_id


def tracks(scope: Scope, session: Session) -> bool:
    """Whether the tenant has opens and clicks counted."""
    return session.exec(select(Business.tracking_enabled).where(Business.id == scope.business)).one()


def set_tracking(scope: Scope, on: bool) -> bool:
    """Turn a tenant's tracking on or off; whether that changed anything. For admins, and in the audit log.

    Mails sent before keep the links they have; with tracking off those lead on and count nothing.
    """
    require_admin(scope)
    with writing(scope) as session:
        if tracks(scope, session) is on:
            return False
        changed = update(Business).where(col(Business.id) == scope.business).values(tracking_enabled=on)
        session.exec(changed.execution_options(synchronize_session=False))
        record(scope, session, "tracking.enabled" if on else "tracking.disabled")
        return True


class Rate(BaseModel):
    """How one kind of mail was met over some days. Hits by actor: one person may be several, or none at all."""

    delivery_kind: DeliveryKind
    mails: int
    readers: int
    opens: Mapping[Actor, int]
    clicks: Mapping[Actor, int]
    withheld: bool = False
    """Too few readers to say anything that is not about a person; the counts are left out."""

    @staticmethod
    def share(hits: Mapping[Actor, int], mails: int) -> tuple[float, float] | None:
        """Hits a mail: by people for certain, and with those nobody can tell; None where nothing was sent."""
        if not mails:
            return None
        human = hits[Actor.HUMAN]
        return human / mails, (human + hits[Actor.UNKNOWN]) / mails


def rates(scope: Scope, *, days: int = 30, now: datetime | None = None) -> list[Rate]:
    """How the tenant's mail of the last days was met, by kind. For admins; aggregates only."""
    require_admin(scope)
    end = now or utc_now()
    start = end - timedelta(days=days)
    with reading(scope) as session:
        sent = mails_and_readers(scope, session, start, end)
        counted = counts_between(scope, session, start.date(), end.date())
    told = []
    for kind in sorted({*sent, *(row.delivery_kind for row in counted)}):
        mails, readers = sent.get(kind, (0, 0))
        withheld = readers < FEW
        hits = {
            what: {
                actor: 0
                if withheld
                else sum(
                    row.hits
                    for row in counted
                    if row.delivery_kind is kind and row.kind is what and row.actor is actor
                )
                for actor in Actor
            }
            for what in (ReturnKind.OPEN, ReturnKind.CLICK)
        }
        told.append(
            Rate(
                delivery_kind=kind,
                mails=mails,
                readers=readers,
                opens=hits[ReturnKind.OPEN],
                clicks=hits[ReturnKind.CLICK],
                withheld=withheld,
            )
        )
    return told
