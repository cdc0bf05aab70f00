"""Rate slots and budgets shared by every process: each is changed by one conditional UPDATE … RETURNING.

These tables belong to the deployment, not to a tenant: a key's rate limit does not care whose call it was.
"""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import UniqueConstraint, case, delete, func, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.base import new_id, utc_field, utc_now
from models.engine import insert_rows


class BudgetExhausted(RuntimeError):
    """The reservation would pass the budget's limit."""


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


def held_until(session: Session, provider: str, credential: str | None) -> datetime | None:
    """Until when the provider is held back; it may have been after a turn was booked. Perhaps long past."""
    return session.exec(
        select(RateSlot.held_until).where(
            RateSlot.provider == provider, RateSlot.credential == fingerprint(credential)
        )
    ).first()


def reserve(session: Session, budget: str, amount: float, *, limit: float, seconds: float = 600) -> UUID:
    """Set ``amount`` aside before a call and return the reservation's id; BudgetExhausted past ``limit``."""
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
    return row.id


def settle(session: Session, reservation: UUID, spent: float) -> None:
    """Turn a reservation into what was really spent; a lapsed one still counts its spending."""
    row = session.exec(
        delete(Reservation)
        .where(col(Reservation.id) == reservation)
        .returning(col(Reservation.budget), col(Reservation.amount))
        .execution_options(synchronize_session=False)
    ).first()
    if row is None:
        return
    session.exec(
        update(Budget)
        .where(col(Budget.name) == row[0])
        .values(spent=Budget.spent + spent, reserved=Budget.reserved - row[1])
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
