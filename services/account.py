"""What everybody may see and change of their own account, beside sign-in and preferences."""

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, SQLModel, col, select

from models.accounts import User, stored_preference
from models.audit import AuditLog, record
from models.engine import reading, writing
from models.feedback import Feedback
from models.mail import Delivery, EmailBody, EmailEvent
from models.marks import EventMark
from models.returns import ReturnKind
from models.scope import Scope
from services.engagement import tracks
from services.errors import UserError

NAME_MAX = 200
_HITS = (ReturnKind.OPEN.value, ReturnKind.CLICK.value)


class AboutMe(BaseModel):
    """What is kept about the scope's person, in numbers."""

    mails: int
    """Lines of the email log."""
    texts: int
    """Of those, whose text is still kept."""
    hits: int
    """Opens and clicks under their name."""
    verdicts: int
    marks: int
    """Items read, starred or with a note."""
    done: int
    """Lines of the audit log about what they did."""
    is_tracked: bool
    """Whether the tenant counts opens and clicks at all."""
    has_consented: bool


def about_me(scope: Scope) -> AboutMe:
    """What is kept about the scope's person. PermissionError for nobody."""
    me = _own(scope)
    with reading(scope) as session:
        mine = select(Delivery.id).where(Delivery.user_id == me)
        wants = stored_preference(scope, session, me)
        return AboutMe(
            mails=_count(session, Delivery, Delivery.user_id == me),
            texts=_count(session, EmailBody, col(EmailBody.delivery_id).in_(mine)),
            hits=_count(
                session, EmailEvent, col(EmailEvent.delivery_id).in_(mine) & col(EmailEvent.kind).in_(_HITS)
            ),
            verdicts=_count(session, Feedback, Feedback.user_id == me),
            marks=_count(session, EventMark, EventMark.user_id == me),
            done=_count(session, AuditLog, AuditLog.actor_id == me),
            is_tracked=tracks(scope, session),
            has_consented=wants is not None and wants.tracking_consent_at is not None,
        )


def rename_me(scope: Scope, name: str) -> bool:
    """Give the scope's person another name; whether that changed anything. UserError when it cannot be one."""
    me = _own(scope)
    called = " ".join(name.split())
    if not 0 < len(called) <= NAME_MAX or not called.isprintable():
        raise UserError(f"a name has 1 to {NAME_MAX} characters", "say what colleagues call you")
    with writing(scope) as session:
        user = session.exec(select(User).where(User.id == me)).first()
        if user is None:
            raise UserError("this account is gone", "sign in again")
        if user.name == called:
            return False
        user.name = called
        session.add(user)
        record(scope, session, "user.updated", str(me), fields=["name"])
        return True


def _own(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise PermissionError("an account is a person's: say whose")
    return scope.user_id


def _count(session: Session, table: type[SQLModel], which: ColumnElement[bool] | bool) -> int:
    return session.exec(select(func.count()).select_from(table).where(which)).one()
