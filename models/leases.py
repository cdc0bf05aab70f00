"""Expiring, fenced leases: one row a business and name, changed by one conditional UPDATE … RETURNING.

A holder proves it still holds the lease inside the transaction of each batch it commits (``renew``). One that was
paused past its expiry finds its fence gone and rolls back, so two holders can never both commit.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from sqlalchemy import UniqueConstraint, or_, update
from sqlmodel import Field, Session, col, select

from models.base import TenantRow, table_args, utc_field, utc_now
from models.engine import insert_rows, reading, writing
from models.scope import Scope


class LeaseLost(RuntimeError):
    """Another holder took over; what this one did since its last commit is rolled back."""


class LeaseBusy(RuntimeError):
    """Somebody else holds the lease and kept it for as long as we were willing to wait."""


class Lease(TenantRow, table=True):
    __tablename__ = "leases"
    __table_args__ = table_args(UniqueConstraint("business_id", "name"))

    name: str = Field(max_length=60)
    holder: str = Field(default="", max_length=200)
    fence: int = 0
    expires_at: datetime = utc_field(nullable=False)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease in hand. ``fence`` grows with every change of holder."""

    name: str
    holder: str
    fence: int
    seconds: float


def this_process() -> str:
    """This process's name as a holder: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


def died_here(holder: str) -> bool:
    """Whether the holder was a process of this machine that is gone, so that nobody need wait for its expiry."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def acquire(scope: Scope, session: Session, name: str, *, seconds: float) -> Held | None:
    """Take the lease when it is free, expired, or its holder died on this machine; None when it is held."""
    now = utc_now()
    fresh = {"name": name, "holder": "", "fence": 0, "expires_at": now - timedelta(seconds=1)}
    insert_rows(session, Lease, [fresh], ignore_conflicts=True)
    seen = session.exec(select(Lease.holder, Lease.fence).where(Lease.name == name)).one()
    free = col(Lease.expires_at) <= now
    if died_here(seen[0]):
        free = or_(free, (col(Lease.holder) == seen[0]) & (col(Lease.fence) == seen[1]))
    taken = session.exec(
        update(Lease)
        .where(col(Lease.name) == name, free)
        .values(holder=this_process(), fence=Lease.fence + 1, expires_at=now + timedelta(seconds=seconds))
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).first()
    return Held(name=name, holder=this_process(), fence=taken[0], seconds=seconds) if taken else None


def renew(scope: Scope, session: Session, held: Held) -> None:
    """Prove and extend the lease inside the caller's transaction; LeaseLost when another has it."""
    kept = session.exec(
        update(Lease)
        .where(col(Lease.name) == held.name, col(Lease.fence) == held.fence)
        .values(expires_at=utc_now() + timedelta(seconds=held.seconds))
        .returning(col(Lease.fence))
        .execution_options(synchronize_session=False)
    ).first()
    if kept is None:
        raise LeaseLost(f"lease {held.name}: another run took over")


def release(scope: Scope, session: Session, held: Held) -> None:
    """Give the lease back; harmless when it was lost."""
    session.exec(
        update(Lease)
        .where(col(Lease.name) == held.name, col(Lease.fence) == held.fence)
        .values(expires_at=utc_now() - timedelta(seconds=1), holder="")
        .execution_options(synchronize_session=False)
    )


@contextmanager
def lease(scope: Scope, name: str, *, seconds: float, wait_seconds: float) -> Iterator[Held]:
    """Hold a lease around a block of batches; LeaseBusy after ``wait_seconds``."""
    deadline = time.monotonic() + wait_seconds
    while True:
        with writing(scope) as session:
            held = acquire(scope, session, name, seconds=seconds)
        if held is not None:
            break
        if time.monotonic() >= deadline:
            with reading(scope) as session:
                holder = session.exec(select(Lease.holder).where(Lease.name == name)).first()
            raise LeaseBusy(
                f"{holder or 'another run'} holds the lease {name!r}; its items wait, run again later"
            )
        time.sleep(0.05 + 0.2 * random())
    try:
        yield held
    finally:
        with writing(scope) as session:
            release(scope, session, held)
