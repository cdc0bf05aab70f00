"""Stopping all sending of a tenant, and finding that a database has gone back in time, which stops it by itself.

Whether sending is stopped is a column of the tenant; why and since when is in its audit log.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.accounts import Business
from models.audit import AuditLog, record
from models.scope import Scope

HELD, RELEASED = "sending.held", "sending.released"


@dataclass(frozen=True, slots=True)
class Hold:
    """That sending is stopped. ``since`` None: by something that left no line in the audit log."""

    since: datetime | None
    reason: str

    @property
    def sentence(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        reason = f" ({self.reason})" if self.reason else ""
        return f"sending is on hold{since}{reason}; client-monitor release resumes it"


def on_hold(scope: Scope, session: Session) -> bool:
    """Whether the tenant's sending is stopped."""
    return session.exec(select(Business.sending_on_hold).where(Business.id == scope.business)).one()


def hold_of(scope: Scope, session: Session) -> Hold | None:
    """The tenant's hold with its reason; None while it sends."""
    if not on_hold(scope, session):
        return None
    line = newest(scope, session, HELD)
    return Hold(line.created_at, str(line.details.get("reason", ""))) if line else Hold(None, "")


def set_hold(scope: Scope, session: Session, *, held: bool, reason: str) -> bool:
    """Stop or resume the tenant's sending, with a line in the audit log; whether that changed anything."""
    changed = session.exec(
        update(Business)
        .where(col(Business.id) == scope.business, col(Business.sending_on_hold).is_(not held))
        .values(sending_on_hold=held)
        .returning(col(Business.id))
        .execution_options(synchronize_session=False)
    ).first()
    if changed is not None:
        record(scope, session, HELD if held else RELEASED, reason=reason)
    return changed is not None


def newest(scope: Scope, session: Session, action: str) -> AuditLog | None:
    """The newest audit line of this action."""
    order = (col(AuditLog.created_at).desc(), col(AuditLog.id).desc())
    return session.exec(select(AuditLog).where(AuditLog.action == action).order_by(*order).limit(1)).first()
