"""Who sends: the clocks, the transport and the tenant of one batch, and the changes of a delivery any step may make."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlmodel import Session, col

from models.clock import Clock
from models.engine import insert_rows
from models.events import Stage
from models.leases import this_process
from models.mail import Channel, Delivery, DeliveryState, EmailEvent, Notification, NotificationState
from models.returns import ReturnKind
from models.scope import Scope
from models.settings import get_settings
from tasks.notify.signing import Signer
from tasks.notify.transports.transport import Envelope, Transport
from tasks.plan import StageReport

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_IN_MAIL = (NotificationState.ATTACHED, NotificationState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in hand, committed as transmitting."""

    delivery_id: UUID
    holder: str
    retries: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, for whom, how, and by which clocks; and the changes of a delivery any step may make."""

    scope: Scope
    now: datetime
    transport: Transport
    channel: Channel
    clock: Clock
    job_run_id: UUID | None = None
    jitter: Callable[[], float] = random
    signer: Signer | None = None

    def change(
        self,
        session: Session,
        delivery_id: UUID,
        holder: str | None,
        states: tuple[DeliveryState, ...],
        **values: Any,
    ) -> bool:
        """Change a delivery that is in ``states`` and in the hands of ``holder``; whether it was."""
        held = col(Delivery.lease_holder)
        changed = session.exec(
            update(Delivery)
            .where(
                col(Delivery.id) == delivery_id,
                col(Delivery.state).in_(states),
                held.is_(None) if holder is None else held == holder,
            )
            .values(**values)
            .returning(col(Delivery.id))
            .execution_options(synchronize_session=False)
        ).first()
        return changed is not None

    def move_items(self, session: Session, delivery_id: UUID, state: NotificationState) -> None:
        """Give the lines in a mail the state of that mail."""
        session.exec(
            update(Notification)
            .where(col(Notification.delivery_id) == delivery_id, col(Notification.state).in_(_IN_MAIL))
            .values(state=state, updated_at=self.clock.now())
            .execution_options(synchronize_session=False)
        )

    def note_attempt(self, session: Session, delivery_id: UUID, detail: str) -> None:
        """Keep, for who reads the mail's history, that an attempt did not get it away."""
        attempt = {
            "delivery_id": delivery_id,
            "kind": ReturnKind.ATTEMPT.value,
            "source": self.transport.name,
            "provider_event_id": f"attempt:{uuid4().hex}",
            "detail": detail,
            "created_at": self.clock.now(),
        }
        insert_rows(session, EmailEvent, [attempt])

    def next_attempt(self, retries: int) -> datetime:
        """When to try again after ``retries`` attempts, with jitter so that mails do not come back as one."""
        wait: timedelta = min(_FIRST_WAIT * 2**retries, _LONGEST_WAIT) * (0.75 + self.jitter() / 2)
        return self.clock.now() + wait

    def lease_end(self) -> datetime:
        return self.clock.now() + timedelta(seconds=get_settings().send_lease_seconds)

    def report(self, name: str, told: str = "", **more: int) -> StageReport:
        """That one delivery was dealt with."""
        degraded = (told,) if told else ()
        return StageReport(stage=Stage.NOTIFY.value, done=1, counts={name: 1, **more}, degraded=degraded)


def new_holder() -> str:
    """A holder's name: one a claim, so that two threads of a process are two holders."""
    return f"{this_process()}#{uuid4().hex[:8]}"


def holding_process(row: Delivery) -> str:
    """The process in whose hands a delivery is."""
    return (row.lease_holder or "").partition("#")[0]
