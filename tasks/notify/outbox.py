"""Sends what is planned, each mail at most once.

A delivery is claimed and committed as transmitting before anything connects (``tasks.notify.claim``); what happens
next is written down as far as it is known. A claim whose sender vanished becomes ``unknown`` and is never sent again
blindly, unless the transport makes one mail of two identical ones. Retries send the stored bytes.

``now`` is the run's clock: what the mail says and what still qualifies. Leases and retries go by ``clock``, the
machine's, because an archive's clock stands still.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import random
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from models.base import utc_now
from models.clock import Clock, SystemClock
from models.engine import reading, writing
from models.events import Stage
from models.leases import died_here
from models.mail import Channel, Delivery, DeliveryState, NotificationState
from models.scope import Scope
from models.settings import get_settings
from tasks.notify.claim import envelope_for, message_id, stored_bytes, take
from tasks.notify.hold import hold_of
from tasks.notify.lanes import Job, Lanes
from tasks.notify.sender import Claim, Sender, holding_process, new_holder
from tasks.notify.signing import BadKey, signer_for
from tasks.notify.transports.transport import Outcome, Result, Transport
from tasks.notify.turns import Turns
from tasks.notify.watermark import hold_if_put_back, remember
from tasks.plan import StageReport

__all__ = ["message_id", "send_due"]

_CUT_OFF = "sending was cut off after the claim: it may or may not have been accepted"
# A sender thought lost may still report: what it knows is better than "unknown".
_ITS_OWN = (DeliveryState.TRANSMITTING, DeliveryState.UNKNOWN)


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
    """Send up to ``limit`` deliveries that are due, and settle what vanished senders left behind.

    ``done`` counts deliveries that were dealt with; it is 0 as well when the transport is out of reach or the tenant
    is on hold, so that "until nothing is done" ends. Counts: sent, retry, failed, unknown, empty, held, unavailable.
    """
    try:
        signer = signer_for(get_settings()) if transport.verbatim else None
    except BadKey as error:
        # Mail that was to be signed waits for the key.
        return StageReport(stage=Stage.NOTIFY.value, counts={"unavailable": 1}, degraded=(str(error),))
    sender = Sender(scope, now, transport, channel, clock or SystemClock(), job_run_id, jitter, signer)
    try:
        return _run(sender, limit)
    finally:
        transport.close()


def _run(sender: Sender, limit: int) -> StageReport:
    report = StageReport(stage=Stage.NOTIFY.value)
    abandoned = _abandoned(sender)
    repeatable = [row for row in abandoned if _repeatable(sender, row)]
    for row in abandoned:
        if row not in repeatable:
            report += _give_up(sender, row)
    if not sender.transport.idempotent:
        hold_if_put_back(get_settings(), sender.scope)
    with reading(sender.scope) as session:
        hold = hold_of(sender.scope, session)
        due = _due(sender, session, limit)
    waiting = len(due) + len(repeatable)
    if not waiting:
        return report
    if hold is not None:
        return report + StageReport(stage=report.stage, counts={"held": waiting}, degraded=(hold.sentence,))
    jobs: list[Job] = [partial(_take_over, sender, row) for row in repeatable]
    jobs += [partial(take, sender, delivery_id) for delivery_id in due]
    report += Lanes(sender.transport, partial(_attempt, sender)).work(jobs)
    if due and not sender.transport.idempotent:
        remember(get_settings(), sender.scope, max(due), utc_now())
    return report.model_copy(update={"done": 0}) if "unavailable" in report.counts else report


def _due(sender: Sender, session: Session, limit: int) -> list[UUID]:
    query = select(Delivery.id).where(
        Delivery.state == DeliveryState.INTENT,
        Delivery.channel == sender.channel,
        col(Delivery.next_attempt_at) <= max(sender.clock.now(), sender.now),
    )
    return list(session.exec(query.order_by(col(Delivery.next_attempt_at), col(Delivery.id)).limit(limit)))


def _abandoned(sender: Sender) -> list[Delivery]:
    """Deliveries whose sender's lease ran out, or whose sender died on this machine."""
    query = select(Delivery).where(
        Delivery.state == DeliveryState.TRANSMITTING, Delivery.channel == sender.channel
    )
    with reading(sender.scope) as session:
        rows = list(session.exec(query.order_by(col(Delivery.id))))
    wall = sender.clock.now()
    return [
        row
        for row in rows
        if row.lease_expires_at is None or row.lease_expires_at <= wall or died_here(holding_process(row))
    ]


def _repeatable(sender: Sender, row: Delivery) -> bool:
    return sender.transport.idempotent and row.transport == sender.transport.name


def _give_up(sender: Sender, row: Delivery) -> StageReport:
    unknown = {"state": DeliveryState.UNKNOWN, "last_error": _CUT_OFF}
    with writing(sender.scope) as session:
        if not sender.change(session, row.id, row.lease_holder, (DeliveryState.TRANSMITTING,), **unknown):
            return StageReport(stage=Stage.NOTIFY.value)
        sender.move_items(session, row.id, NotificationState.UNKNOWN)
        sender.note_attempt(session, row.id, _CUT_OFF)
    return sender.report("unknown", f"mail to {row.recipient}: {_CUT_OFF}")


def _take_over(sender: Sender, row: Delivery) -> tuple[Claim | None, StageReport]:
    """Another's cut-off attempt, to be repeated with the same bytes."""
    nothing = StageReport(stage=Stage.NOTIFY.value)
    mine = {"lease_holder": new_holder(), "lease_expires_at": sender.lease_end()}
    with writing(sender.scope) as session:
        kept = sender.change(session, row.id, row.lease_holder, (DeliveryState.TRANSMITTING,), **mine)
        body = stored_bytes(session, row.id)
    if not kept or body is None or row.message_id is None:
        return None, nothing
    envelope = envelope_for(row, row.message_id, body)
    return Claim(row.id, str(mine["lease_holder"]), row.retries, envelope), nothing


def _attempt(sender: Sender, claim: Claim, turns: Turns) -> StageReport:
    try:
        outcome = sender.transport.send(claim.envelope)
    except Exception as error:
        # A plug-in that raises breaks its contract: nobody knows how far it got.
        result = Result.TEMPORARY if sender.transport.idempotent else Result.UNKNOWN
        outcome = Outcome(result, f"transport {sender.transport.name} raised {type(error).__name__}")
    with writing(sender.scope) as session:
        report = _settle(sender, session, claim, outcome)
    if outcome.wait_seconds is not None:
        turns.rest(outcome.wait_seconds)
    return report


def _settle(sender: Sender, session: Session, claim: Claim, outcome: Outcome) -> StageReport:
    """Write down how an attempt ended, for the mail and for its items."""
    retries = claim.retries + (outcome.result is Result.TEMPORARY)
    name, detail = _meaning(outcome, retries)
    values: dict[str, Any] = {"state": _STATES[name], "last_error": detail, "retries": retries}
    if name == "sent":
        values |= {"sent_at": sender.clock.now(), "provider_id": outcome.provider_id}
    elif name == "retry":
        asked = sender.clock.now() + timedelta(seconds=outcome.wait_seconds or 0)
        values |= {"next_attempt_at": max(sender.next_attempt(claim.retries), asked)}
        values |= {"lease_holder": None, "lease_expires_at": None}
    if not sender.change(session, claim.delivery_id, claim.holder, _ITS_OWN, **values):
        return StageReport(stage=Stage.NOTIFY.value)
    sender.move_items(session, claim.delivery_id, _ITEM_STATES[name])
    if outcome.result is Result.UNAVAILABLE:
        # No attempt of this mail's: noted for each mail that waits, an outage would fill the table.
        return sender.report(name, detail, unavailable=1)
    if name != "sent":
        sender.note_attempt(session, claim.delivery_id, detail)
    return sender.report(name, "" if name == "sent" else f"mail to {claim.envelope.recipient}: {detail}")


_STATES = {
    "sent": DeliveryState.SENT,
    "unknown": DeliveryState.UNKNOWN,
    "retry": DeliveryState.INTENT,
    "failed": DeliveryState.FAILED,
}
_ITEM_STATES = {
    "sent": NotificationState.DELIVERED,
    "unknown": NotificationState.UNKNOWN,
    "retry": NotificationState.ATTACHED,
    "failed": NotificationState.FAILED,
}


def _meaning(outcome: Outcome, retries: int) -> tuple[str, str]:
    """What becomes of the delivery, and the line that says why.

    A transport out of reach costs a mail none of its attempts: an outage must not lose what it delays.
    """
    match outcome.result:
        case Result.SENT:
            return "sent", ""
        case Result.UNKNOWN:
            return "unknown", outcome.detail
        case Result.UNAVAILABLE:
            return "retry", outcome.detail
        case Result.TEMPORARY if retries < get_settings().send_attempts:
            return "retry", outcome.detail
        case Result.TEMPORARY:
            return "failed", f"given up after {retries} attempts: {outcome.detail}"
        case _:
            return "failed", outcome.detail
