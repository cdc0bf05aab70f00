"""A year of mail: the outbox's lines, the ledger, what came back, and the bytes of the newest."""

import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from benchmarks.pages.bulk import Row, id_at, load
from benchmarks.pages.large import HEADLINES, Tenant, common
from benchmarks.pages.news import events
from models.mail import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    EmailBody,
    EmailEvent,
    Notification,
    NotificationState,
    Route,
    SkipReason,
)
from models.returns import Actor, EngagementCount, ReturnKind
from services.sample_letter import sample_letter
from tasks.notify.letter import Look
from tasks.notify.mime import build_mime
from tasks.notify.render import render

_MAIL, _LINE = 6 << 40, 7 << 40
BODIES = 5_000
"""How many of the newest mails have their bytes: enough for whatever page opens one."""
_KINDS = (DeliveryKind.DIGEST, DeliveryKind.EVENT, DeliveryKind.SYSTEM, DeliveryKind.ALERT)
_KIND_WEIGHTS = (55, 42, 2, 1)
_STATES = (
    DeliveryState.SENT,
    DeliveryState.EMPTY,
    DeliveryState.COALESCED,
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
)
_STATE_WEIGHTS = (9700, 180, 70, 40, 10)


def mail_id(tenant: Tenant, number: int) -> UUID:
    return id_at(tenant.moment(number, tenant.sizes.mails), _MAIL + number)


def load_mail(engine: Engine, tenant: Tenant) -> None:
    by_reader = [array("l") for _ in tenant.people]
    load(engine, Delivery, _mails(tenant, by_reader))
    load(engine, Notification, _ledger(tenant, by_reader))
    load(engine, EmailBody, _bodies(tenant))
    load(engine, EmailEvent, _reports(tenant))
    load(engine, EngagementCount, _hits(tenant))


def _mails(tenant: Tenant, by_reader: list["array[int]"]) -> Iterator[Row]:
    dice = tenant.dice("mails")
    count = tenant.sizes.mails
    for number in range(count):
        at = tenant.moment(number, count)
        reader = dice.randrange(len(tenant.people))
        kind = dice.choices(_KINDS, _KIND_WEIGHTS)[0]
        state = dice.choices(_STATES, _STATE_WEIGHTS)[0]
        if state is DeliveryState.SENT:
            by_reader[reader].append(number)
        is_failed = state is DeliveryState.FAILED
        items = {DeliveryKind.DIGEST: dice.randrange(1, 11), DeliveryKind.EVENT: 1}.get(kind, 0)
        yield common(
            tenant,
            mail_id(tenant, number),
            user_id=tenant.people[reader],
            recipient=tenant.addresses[reader],
            channel=Channel.EMAIL,
            kind=kind,
            slot=f"{number}",
            state=state,
            transport="smtp",
            subject=_subject(tenant, kind, items, number, at),
            message_id=f"<{number:032x}@monitor.example>",
            item_count=items,
            retries=3 if is_failed else 0,
            last_error="given up after 3 attempts: 451 try again later" if is_failed else "",
            next_attempt_at=at,
            created_at=at,
            sent_at=at + timedelta(seconds=20) if state is DeliveryState.SENT else None,
        )


def _subject(tenant: Tenant, kind: DeliveryKind, items: int, number: int, at: datetime) -> str:
    name = tenant.names[number % len(tenant.names)]
    if kind is DeliveryKind.DIGEST:
        other = tenant.names[number * 7 % len(tenant.names)]
        return f"{items} clients in the news: {name}, {other} · {at:%a} {at.day} {at:%b}"
    if kind is DeliveryKind.EVENT:
        lines = tuple(HEADLINES.values())
        return lines[number % len(lines)].format(name=name, n=number % 900)
    return (
        "Your password was changed"
        if kind is DeliveryKind.SYSTEM
        else "Google News could not be read for two days"
    )


def _ledger(tenant: Tenant, by_reader: list["array[int]"]) -> Iterator[Row]:
    dice = tenant.dice("ledger")
    count = tenant.sizes.mails
    for one in events(tenant):
        place = one.number * count // tenant.sizes.events
        for index, reader in enumerate(tenant.readers[one.client]):
            theirs = by_reader[reader]
            later = bisect_left(theirs, place)
            is_mailed = one.relevance >= 0.5 and later < len(theirs)
            waits = one.relevance >= 0.5 and not is_mailed
            state = NotificationState.WAITING if waits else NotificationState.SKIPPED
            yield common(
                tenant,
                id_at(one.at, _LINE + one.number * 8 + index),
                event_id=one.event_id,
                user_id=tenant.people[reader],
                client_id=tenant.clients[one.client],
                route=Route.DIGEST if is_mailed or waits else None,
                state=NotificationState.DELIVERED if is_mailed else state,
                reason=None if is_mailed or waits else _reason(dice.random()),
                delivery_id=mail_id(tenant, theirs[later]) if is_mailed else None,
                created_at=one.at,
                updated_at=one.at,
            )


def _reason(chance: float) -> SkipReason:
    if chance < 0.8:
        return SkipReason.BELOW_THRESHOLD
    return SkipReason.CATEGORY_NOT_WANTED if chance < 0.95 else SkipReason.CLIENT_MUTED


def _bodies(tenant: Tenant) -> Iterator[Row]:
    letter = sample_letter("daily", "Large & Sons", Look())
    mime = build_mime(
        render(letter),
        mail_from="monitor@example.com",
        mail_to=letter.recipient_email,
        to_name=letter.recipient_name,
        message_id="<sample@monitor.example>",
        date=letter.at,
        reply_to="",
        headers={},
    )
    packed = zlib.compress(mime)
    count = tenant.sizes.mails
    for number in range(max(0, count - BODIES), count):
        at = tenant.moment(number, count)
        row_id = id_at(at, _MAIL + number)
        yield common(tenant, row_id, delivery_id=mail_id(tenant, number), mime=packed, created_at=at)


def _reports(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("reports")
    count = tenant.sizes.mails
    for number in range(0, count, 10):
        at = tenant.moment(number, count) + timedelta(minutes=3)
        kind = dice.choices(
            (ReturnKind.DELIVERED, ReturnKind.OPEN, ReturnKind.DEFERRED, ReturnKind.SOFT_BOUNCE),
            (60, 30, 6, 4),
        )[0]
        yield {
            "business_id": tenant.business_id,
            "delivery_id": mail_id(tenant, number),
            "kind": kind.value,
            "source": "sendgrid",
            "actor": Actor.HUMAN.value,
            "provider_event_id": f"sendgrid:{number}",
            "created_at": at,
        }


def _hits(tenant: Tenant) -> Iterator[Row]:
    dice = tenant.dice("hits")
    for day in range(365):
        for kind in _KINDS[:2]:
            for what in (ReturnKind.OPEN, ReturnKind.CLICK):
                for actor in Actor:
                    yield {
                        "business_id": tenant.business_id,
                        "day": (tenant.start + timedelta(days=day)).date(),
                        "delivery_kind": kind,
                        "kind": what,
                        "actor": actor,
                        "hits": dice.randrange(20, 400),
                    }
