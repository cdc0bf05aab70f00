"""Rate slots and budgets shared by every process: each is changed by one conditional UPDATE … RETURNING.

These tables belong to the deployment, not to a tenant: a key's rate limit does not care whose call it was.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, UniqueConstraint, and_, case, delete, func, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.base import new_id, utc_field, utc_now
from models.engine import insert_rows


class BudgetExhausted(RuntimeError):
    """The reservation would pass the budget's limit."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What ``reserve`` set aside: who holds it says later what was really spent."""

    id: UUID
    budget: str


class RateSlot(SQLModel, table=True):
    __tablename__ = "rate_slots"
    __table_args__ = (UniqueConstraint("provider", "credential"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    provider: str = Field(max_length=60)
    credential: str = Field(max_length=64, description="fingerprint of the key; empty for keyless")
    next_at: datetime = utc_field(nullable=False)
    held_until: datetime | None = utc_field()
    """Its quota's reset, or its Retry-After: nobody asks before, whatever turn they had booked."""


class Budget(SQLModel, table=True):
    """An amount that may be spent in a period; the period is part of ``name`` ("ai-usd/acme/2026-11-22")."""

    __tablename__ = "budgets"
    __table_args__ = (UniqueConstraint("name"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=200)
    spent: float = 0
    reserved: float = 0


class Reservation(SQLModel, table=True):
    """An amount set aside before a call. It lapses, so that a killed process does not hold money for ever."""

    __tablename__ = "reservations"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    budget: str = Field(max_length=200, index=True)
    amount: float
    expires_at: datetime = utc_field(nullable=False)


def fingerprint(credential: str | None) -> str:
    """A key's fingerprint, which cannot be turned back into the key; empty for keyless use."""
    return hashlib.sha256(credential.encode()).hexdigest()[:32] if credential else ""


def take_slot(session: Session, provider: str, credential: str | None, interval_seconds: float) -> datetime:
    """Book the next free moment of a provider and return it: the caller waits until then, outside the session.

    Slots are ``interval_seconds`` apart over all threads and processes.
    """
    now = utc_now()
    key = fingerprint(credential)
    first = {"id": new_id(), "provider": provider, "credential": key, "next_at": now}
    insert_rows(session, RateSlot, [first], ignore_conflicts=True)
    booked, held = session.exec(
        select(RateSlot.next_at, RateSlot.held_until)
        .where(RateSlot.provider == provider, RateSlot.credential == key)
        .with_for_update()
    ).one()
    mine = max(booked, held or now, now)
    session.exec(
        update(RateSlot)
        .where(col(RateSlot.provider) == provider, col(RateSlot.credential) == key)
        .values(next_at=mine + timedelta(seconds=interval_seconds))
        .execution_options(synchronize_session=False)
    )
    return mine


def hold_back(session: Session, provider: str, credential: str | None, until: datetime) -> None:
    """No call of this provider before ``until`` (its Retry-After); never shortens a longer wait."""
    key = fingerprint(credential)
    first = {"id": new_id(), "provider": provider, "credential": key, "next_at": utc_now()}
    insert_rows(session, RateSlot, [first], ignore_conflicts=True)
    session.exec(
        update(RateSlot)
        .where(
            col(RateSlot.provider) == provider,
            col(RateSlot.credential) == key,
            or_(col(RateSlot.held_until).is_(None), col(RateSlot.held_until) < until),
        )
        .values(held_until=until)
        .execution_options(synchronize_session=False)
    )


def lift_holds(session: Session, name: str, credentials: Sequence[str | None]) -> None:
    """Ask again what was held back: somebody wants to know, or changed what was wrong."""
    session.exec(
        update(RateSlot)
        .where(_held_of(name, credentials))
        .values(held_until=None)
        .execution_options(synchronize_session=False)
    )


def longest_hold(session: Session, name: str, credentials: Sequence[str | None]) -> datetime | None:
    """Until when a provider, or a part of it, is held back for one of these keys. Perhaps long past."""
    return session.exec(select(func.max(RateSlot.held_until)).where(_held_of(name, credentials))).one()


def _held_of(name: str, credentials: Sequence[str | None]) -> ColumnElement[bool]:
    """The slots of a provider and of its parts, which are called "name:part" (a feed) or "name-part" (an endpoint)."""
    provider = col(RateSlot.provider)
    parts = [provider.startswith(f"{name}{mark}", autoescape=True) for mark in ":-"]
    return and_(
        or_(provider == name, *parts),
        col(RateSlot.credential).in_({fingerprint(credential) for credential in credentials}),
        col(RateSlot.held_until).is_not(None),
    )


def held_until(session: Session, provider: str, credential: str | None) -> datetime | None:
    """Until when the provider is held back; it may have been after a turn was booked. Perhaps long past."""
    return session.exec(
        select(RateSlot.held_until).where(
            RateSlot.provider == provider, RateSlot.credential == fingerprint(credential)
        )
    ).first()


def reserve(session: Session, budget: str, amount: float, *, limit: float, seconds: float = 600) -> Reserved:
    """Set ``amount`` aside before a call that takes ``seconds`` at the most; BudgetExhausted past ``limit``."""
    insert_rows(
        session,
        Budget,
        [{"id": new_id(), "name": budget, "spent": 0.0, "reserved": 0.0}],
        ignore_conflicts=True,
    )
    _lapse(session, budget)
    taken = session.exec(
        update(Budget)
        .where(col(Budget.name) == budget, col(Budget.spent) + col(Budget.reserved) + amount <= limit)
        .values(reserved=Budget.reserved + amount)
        .returning(col(Budget.id))
        .execution_options(synchronize_session=False)
    ).first()
    if taken is None:
        raise BudgetExhausted(f"budget {budget}: {amount:g} more would pass its limit of {limit:g}")
    row = Reservation(budget=budget, amount=amount, expires_at=utc_now() + timedelta(seconds=seconds))
    session.add(row)
    return Reserved(row.id, budget)


def settle(session: Session, reserved: Reserved, spent: float) -> None:
    """Turn a reservation into what was really spent: once, by whoever made it. A lapsed one counts its spending too."""
    row = session.exec(
        delete(Reservation)
        .where(col(Reservation.id) == reserved.id)
        .returning(col(Reservation.amount))
        .execution_options(synchronize_session=False)
    ).first()
    held = row[0] if row is not None else 0.0  # lapsed: its amount went back to the budget then
    session.exec(
        update(Budget)
        .where(col(Budget.name) == reserved.budget)
        .values(spent=Budget.spent + spent, reserved=Budget.reserved - held)
        .execution_options(synchronize_session=False)
    )


def _lapse(session: Session, budget: str) -> None:
    lapsed = session.exec(
        delete(Reservation)
        .where(col(Reservation.budget) == budget, col(Reservation.expires_at) <= utc_now())
        .returning(col(Reservation.amount))
        .execution_options(synchronize_session=False)
    ).all()
    if lapsed:
        freed = sum(row[0] for row in lapsed)
        session.exec(
            update(Budget)
            .where(col(Budget.name) == budget)
            .values(reserved=case((Budget.reserved > freed, Budget.reserved - freed), else_=0.0))
            .execution_options(synchronize_session=False)
        )


def spent(session: Session, budget: str) -> float:
    """What a budget has really spent so far."""
    return session.exec(select(func.coalesce(func.max(Budget.spent), 0.0)).where(Budget.name == budget)).one()


def taken(session: Session, budget: str) -> float:
    """What of a budget cannot be reserved any more: what was spent, and what calls under way hold."""
    held = select(func.coalesce(func.sum(Reservation.amount), 0.0)).where(
        Reservation.budget == budget, col(Reservation.expires_at) > utc_now()
    )
    return spent(session, budget) + session.exec(held).one()
