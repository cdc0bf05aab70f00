"""Sends what is planned, each mail at most once.

Claiming a delivery rechecks its items, renders, and in one transaction stores the final bytes and the Message-ID and
moves it to transmitting; only then does anything connect. What happens next is written down as far as it is known.
A claim whose sender vanished becomes ``unknown`` and is never sent again blindly, unless the transport makes one mail
of two identical ones. Retries send the stored bytes.

``now`` is the run's clock: what the mail says and what still qualifies. Leases and retries go by ``clock``, the
machine's, because an archive's clock stands still.
"""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from random import random
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.accounts import Business
from models.clock import Clock, SystemClock
from models.engine import insert_rows, reading, writing
from models.events import Stage
from models.jobs import heartbeat
from models.leases import died_here, this_process
from models.mail import Channel, Delivery, DeliveryKind, DeliveryState, EmailBody, NotificationState
from models.scope import Scope
from models.settings import Settings, get_settings
from tasks.filter.ledger import lines, move, skip
from tasks.notify.compose import Draft, draft
from tasks.notify.mime import build_mime
from tasks.notify.render import render
from tasks.notify.selection import entries
from tasks.notify.transports.transport import Envelope, Outcome, Result, Transport
from tasks.plan import StageReport

_CLAIM_TRIES = 3
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)
_CUT_OFF = "sending was cut off after the mail was handed over: it may or may not have been accepted"
_OPEN = (DeliveryState.TRANSMITTING, DeliveryState.UNKNOWN)
_IN_MAIL = (NotificationState.ATTACHED, NotificationState.UNKNOWN)


class _Changed(Exception):
    """The items or their reader changed while the mail was rendered."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A delivery in hand, committed as transmitting."""

    delivery_id: UUID
    holder: str
    retries: int
    envelope: Envelope


def message_id(slug: str, delivery: Delivery, mail_from: str) -> str:
    """The one Message-ID a slot can have: from the delivery's unique key, the same in any database."""
    key = "\n".join((slug, delivery.recipient, delivery.channel, delivery.kind, delivery.slot))
    domain = parseaddr(mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


def send_due(
    scope: Scope,
    now: datetime,
    transport: Transport,
    *,
    limit: int,
    channel: Channel = Channel.EMAIL,
    clock: Clock | None = None,
    job_run_id: UUID | None = None,
    jitter: Callable[[], float] = random,
) -> StageReport:
    """Send up to ``limit`` deliveries that are due, and settle what earlier senders left behind.

    ``done`` counts deliveries that were dealt with; it is 0 as well when the transport is out of reach or the tenant
    is on hold, so that "until nothing is done" ends. Counts: sent, retry, failed, unknown, empty, held.
    """
    outbox = Outbox(scope, now, transport, channel, clock or SystemClock(), job_run_id, jitter)
    try:
        return outbox.run(limit)
    finally:
        transport.close()


@dataclass(frozen=True, slots=True)
class Outbox:
    """One sender at work on one tenant's outbox."""

    scope: Scope
    now: datetime
    transport: Transport
    channel: Channel
    clock: Clock
    job_run_id: UUID | None = None
    jitter: Callable[[], float] = random

    def run(self, limit: int) -> StageReport:
        report = StageReport(stage=Stage.NOTIFY.value)
        left_behind = self._abandoned()
        for row in left_behind:
            if not self._repeatable(row):
                report += self._give_up(row)
        with reading(self.scope) as session:
            held = _on_hold(self.scope, session)
            due = self._due(session, limit)
        if held:
            told = ("sending is on hold",) if due else ()
            return StageReport(
                stage=report.stage,
                counts=report.counts | {"held": len(due)},
                degraded=(*report.degraded, *told),
            )
        for claim in map(self._take_over, filter(self._repeatable, left_behind)):
            if claim is not None:
                report += self._attempt(claim)
        for delivery_id in due:
            claim, said = self._claim(delivery_id)
            report += said
            if claim is None:
                continue
            attempt = self._attempt(claim)
            report += attempt
            if "unavailable" in attempt.counts:
                # The rest would wait for the same closed door; they stay due.
                return report.model_copy(update={"done": 0})
        return report

    def _due(self, session: Session, limit: int) -> list[UUID]:
        query = select(Delivery.id).where(
            Delivery.state == DeliveryState.INTENT,
            Delivery.channel == self.channel,
            col(Delivery.next_attempt_at) <= max(self.clock.now(), self.now),
        )
        return list(
            session.exec(query.order_by(col(Delivery.next_attempt_at), col(Delivery.id)).limit(limit))
        )

    def _abandoned(self) -> list[Delivery]:
        """Deliveries whose sender's lease ran out, or whose sender died on this machine."""
        query = select(Delivery).where(
            Delivery.state == DeliveryState.TRANSMITTING, Delivery.channel == self.channel
        )
        with reading(self.scope) as session:
            rows = list(session.exec(query.order_by(col(Delivery.id))))
        wall = self.clock.now()
        return [
            row
            for row in rows
            if row.lease_expires_at is None
            or row.lease_expires_at <= wall
            or died_here((row.lease_holder or "").partition("#")[0])
        ]

    def _repeatable(self, row: Delivery) -> bool:
        return self.transport.idempotent and row.transport == self.transport.name

    def _give_up(self, row: Delivery) -> StageReport:
        with writing(self.scope) as session:
            # The holder's name stays: should it live after all, it may still say how the attempt ended.
            if not self._change(
                session,
                row.id,
                row.lease_holder,
                (DeliveryState.TRANSMITTING,),
                state=DeliveryState.UNKNOWN,
                last_error=_CUT_OFF,
            ):
                return StageReport(stage=Stage.NOTIFY.value)
            self._move_items(session, row.id, NotificationState.UNKNOWN)
        return self._report("unknown", f"mail to {row.recipient}: {_CUT_OFF}")

    def _take_over(self, row: Delivery) -> _Claim | None:
        """Another's cut-off attempt, to be repeated with the same bytes."""
        holder = _holder()
        with writing(self.scope) as session:
            kept = self._change(
                session,
                row.id,
                row.lease_holder,
                (DeliveryState.TRANSMITTING,),
                lease_holder=holder,
                lease_expires_at=self._lease_end(),
            )
            body = _stored(session, row.id)
        if not kept or body is None or row.message_id is None:
            return None
        return _Claim(row.id, holder, row.retries, self._envelope(row, row.message_id, body))

    def _claim(self, delivery_id: UUID) -> tuple[_Claim | None, StageReport]:
        """Recheck, render, store, and move to transmitting; what else came of it is in the report."""
        nothing = StageReport(stage=Stage.NOTIFY.value)
        for _ in range(_CLAIM_TRIES):
            with reading(self.scope) as session:
                delivery = session.exec(select(Delivery).where(Delivery.id == delivery_id)).one()
                slug = session.exec(select(Business.slug).where(Business.id == self.scope.business)).one()
                body = _stored(session, delivery_id)
                seen = draft(self.scope, session, delivery, now=self.now)
            if delivery.state is not DeliveryState.INTENT:
                return None, nothing
            identity = delivery.message_id or message_id(slug, delivery, get_settings().mail_from)
            subject = delivery.subject
            if seen.refusal is None and body is None and seen.letter is not None:
                try:
                    rendered = render(seen.letter)
                    subject = rendered.subject
                    body = build_mime(
                        rendered,
                        mail_from=get_settings().mail_from,
                        mail_to=delivery.recipient,
                        to_name=seen.letter.recipient_name,
                        message_id=identity,
                        date=seen.letter.at,
                    )
                except ValueError as error:
                    return None, self._unwritable(delivery, error)
            try:
                if seen.refusal is not None or body is None or (_has_items(delivery) and seen.letter is None):
                    return None, self._close_empty(delivery, seen)
                return self._commit_claim(delivery, seen, identity, subject, body), nothing
            except _Changed:
                continue
        return None, nothing

    def _commit_claim(
        self, delivery: Delivery, seen: Draft, identity: str, subject: str, body: bytes
    ) -> _Claim | None:
        holder = _holder()
        stored = delivery.message_id is not None
        values = {
            "state": DeliveryState.TRANSMITTING,
            "lease_holder": holder,
            "lease_expires_at": self._lease_end(),
            "message_id": identity,
            "subject": subject,
            "transport": self.transport.name,
        }
        if not stored:
            values["item_count"] = len(entries(seen.kept))
        with writing(self.scope) as session:
            if not self._lock(session, delivery, seen, **values):
                return None
            if not stored:
                skip(
                    session,
                    seen.dropped,
                    stage=Stage.NOTIFY,
                    at=self.clock.now(),
                    job_run_id=self.job_run_id,
                    delivery_id=delivery.id,
                    states=(NotificationState.ATTACHED,),
                )
                row = {
                    "delivery_id": delivery.id,
                    "mime": zlib.compress(body),
                    "created_at": self.clock.now(),
                }
                insert_rows(session, EmailBody, [row], ignore_conflicts=True)
        return _Claim(delivery.id, holder, delivery.retries, self._envelope(delivery, identity, body))

    def _lock(self, session: Session, delivery: Delivery, seen: Draft, **values: object) -> bool:
        """Take the delivery if nobody did; _Changed when its mail would be another one by now."""
        if _on_hold(self.scope, session):
            return False
        if not self._change(session, delivery.id, None, (DeliveryState.INTENT,), **values):
            return False
        if draft(self.scope, session, delivery, now=self.now) != seen:
            raise _Changed
        if self.job_run_id is not None:
            heartbeat(self.scope, session, self.job_run_id)
        return True

    def _close_empty(self, delivery: Delivery, seen: Draft) -> StageReport:
        """Nothing is left to say, or nobody to say it to."""
        detail = seen.refusal.sentence if seen.refusal else ""
        with writing(self.scope) as session:
            if not self._lock(
                session, delivery, seen, state=DeliveryState.EMPTY, item_count=0, last_error=detail
            ):
                return StageReport(stage=Stage.NOTIFY.value)
            skip(
                session,
                seen.dropped,
                stage=Stage.NOTIFY,
                at=self.clock.now(),
                job_run_id=self.job_run_id,
                delivery_id=delivery.id,
                states=(NotificationState.ATTACHED,),
            )
        return self._report("empty")

    def _unwritable(self, delivery: Delivery, error: ValueError) -> StageReport:
        """An address no mail can carry. Nothing was handed to anybody."""
        with writing(self.scope) as session:
            failed = {"state": DeliveryState.FAILED, "last_error": str(error)[:500]}
            if not self._change(session, delivery.id, None, (DeliveryState.INTENT,), **failed):
                return StageReport(stage=Stage.NOTIFY.value)
            self._move_items(session, delivery.id, NotificationState.FAILED)
        return self._report("failed", f"mail to {delivery.recipient}: {error}")

    def _attempt(self, claim: _Claim) -> StageReport:
        outcome = self.transport.send(claim.envelope)
        with writing(self.scope) as session:
            return self._settle(session, claim, outcome)

    def _settle(self, session: Session, claim: _Claim, outcome: Outcome) -> StageReport:
        wall = self.clock.now()
        retries = claim.retries + (outcome.result is Result.TEMPORARY)
        again = outcome.result is Result.UNAVAILABLE or (
            outcome.result is Result.TEMPORARY and retries < get_settings().send_attempts
        )
        detail = outcome.detail
        values: dict[str, object] = {"last_error": detail, "retries": retries}
        if outcome.result is Result.SENT:
            name, items = "sent", NotificationState.DELIVERED
            values |= {"state": DeliveryState.SENT, "sent_at": wall, "provider_id": outcome.provider_id}
        elif outcome.result is Result.UNKNOWN:
            name, items = "unknown", NotificationState.UNKNOWN
            values |= {"state": DeliveryState.UNKNOWN}
        elif again:
            name, items = "retry", NotificationState.ATTACHED
            wait = min(_FIRST_WAIT * 2**claim.retries, _LONGEST_WAIT) * (0.75 + self.jitter() / 2)
            values |= {"state": DeliveryState.INTENT, "next_attempt_at": wall + wait}
            values |= {"lease_holder": None, "lease_expires_at": None}
        else:
            name, items = "failed", NotificationState.FAILED
            if outcome.result is Result.TEMPORARY:
                detail = values["last_error"] = f"given up after {retries} attempts: {detail}"
            values |= {"state": DeliveryState.FAILED}
        if not self._change(session, claim.delivery_id, claim.holder, _OPEN, **values):
            return StageReport(stage=Stage.NOTIFY.value)
        self._move_items(session, claim.delivery_id, items)
        if outcome.result is Result.UNAVAILABLE:
            return self._report(name, detail, unavailable=1)
        told = "" if name == "sent" else f"mail to {claim.envelope.recipient}: {detail}"
        return self._report(name, told)

    def _change(
        self,
        session: Session,
        delivery_id: UUID,
        holder: str | None,
        states: tuple[DeliveryState, ...],
        **values: object,
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

    def _move_items(self, session: Session, delivery_id: UUID, state: NotificationState) -> None:
        ids = [line.id for line in lines(self.scope, session, states=_IN_MAIL, delivery_id=delivery_id)]
        move(session, ids, states=_IN_MAIL, state=state, updated_at=self.clock.now())

    def _envelope(self, delivery: Delivery, identity: str, body: bytes) -> Envelope:
        settings = get_settings()
        return Envelope(
            sender=parseaddr(settings.mail_from)[1],
            recipient=_recipient(settings, delivery.recipient),
            message_id=identity,
            data=body,
        )

    def _lease_end(self) -> datetime:
        return self.clock.now() + timedelta(seconds=get_settings().send_lease_seconds)

    def _report(self, name: str, told: str = "", **more: int) -> StageReport:
        degraded = (told,) if told else ()
        return StageReport(stage=Stage.NOTIFY.value, done=1, counts={name: 1, **more}, degraded=degraded)


def _has_items(delivery: Delivery) -> bool:
    return delivery.kind in (DeliveryKind.EVENT, DeliveryKind.DIGEST)


def _recipient(settings: Settings, address: str) -> str:
    """Outside production a setting may lead every mail to one address."""
    if settings.environment != "production" and settings.redirect_all_mail_to:
        return settings.redirect_all_mail_to
    return address


def _holder() -> str:
    # One name a claim, so that two threads of a process are two holders.
    return f"{this_process()}#{uuid4().hex[:8]}"


def _on_hold(scope: Scope, session: Session) -> bool:
    return session.exec(select(Business.sending_on_hold).where(Business.id == scope.business)).one()


def _stored(session: Session, delivery_id: UUID) -> bytes | None:
    packed = session.exec(select(EmailBody.mime).where(EmailBody.delivery_id == delivery_id)).first()
    return None if packed is None else zlib.decompress(packed)
