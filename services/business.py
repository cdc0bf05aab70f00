"""What an admin sees and changes of the tenant as a whole; its name is changed by ``services.accounts``."""

from pydantic import BaseModel
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.accounts import Business, User, UserPreference, UserState
from models.audit import record
from models.engine import reading, writing
from models.scope import Scope
from models.settings import get_settings
from services.accounts import require_admin
from services.errors import UserError

SILENT_DAYS = (1, 60)


class Overview(BaseModel):
    """The tenant's own settings."""

    name: str
    slug: str
    is_demo: bool
    silent_days: int
    """After so many days without any item readers are told so."""
    tracking: bool
    can_track: bool
    """Whether the deployment's address is https, without which nothing is tracked."""
    people: int
    consented: int
    """Of those, how many agreed that opens and clicks are kept under their name."""


def overview(scope: Scope) -> Overview:
    """The tenant as it stands. For admins."""
    require_admin(scope)
    with reading(scope) as session:
        business = _business(scope, session)
        there = User.state != UserState.DEACTIVATED
        people = session.exec(select(func.count()).select_from(User).where(there)).one()
        consented = (
            select(func.count())
            .select_from(UserPreference)
            .join(User, col(User.id) == UserPreference.user_id)
            .where(there, col(UserPreference.tracking_consent_at).is_not(None))
        )
        return Overview(
            name=business.name,
            slug=business.slug,
            is_demo=business.is_demo,
            silent_days=business.silent_days,
            tracking=business.tracking_enabled,
            can_track=get_settings().public_url.lower().startswith("https://"),
            people=people,
            consented=session.exec(consented).one(),
        )


def change_silent_days(scope: Scope, days: int) -> bool:
    """After how many days without any item it is said; whether that changed anything. For admins."""
    require_admin(scope)
    least, most = SILENT_DAYS
    if not least <= days <= most:
        raise UserError(f"{days} days is out of bounds", f"choose {least} to {most} days")
    with writing(scope) as session:
        business = _business(scope, session)
        if business.silent_days == days:
            return False
        record(scope, session, "business.silence_changed", old=business.silent_days, new=days)
        business.silent_days = days
        session.add(business)
        return True


def _business(scope: Scope, session: Session) -> Business:
    return session.exec(select(Business).where(Business.id == scope.business)).one()
