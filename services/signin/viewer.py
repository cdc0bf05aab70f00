"""Who is looking: a cookie's value in, the person and their scope out, or nobody."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlmodel import col, update

from models.accounts import Business, User, UserState
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Role, Scope
from models.settings import get_settings
from models.signin import SignInMethod, SignInSession, session_by_hash
from services.signin.cookie import digest, unseal
from services.signin.sessions import SEEN_EVERY, is_live


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who is signed in, as pages need them. ``scope`` is what they may see."""

    scope: Scope
    session_id: UUID | None
    """None where no session of ours stands behind it (OpenID Connect)."""
    name: str
    email: str
    timezone: str
    business_name: str
    business_slug: str
    is_demo: bool
    method: SignInMethod
    is_operator: bool = False
    """Whether this is the deployment's trusted person, who may see what crosses tenants (Prefect's UI)."""

    @property
    def user_id(self) -> UUID:
        assert self.scope.user_id is not None  # ``viewer_for`` is the only maker
        return self.scope.user_id

    @property
    def role(self) -> Role:
        return self.scope.role

    @property
    def is_admin(self) -> bool:
        """Whether they may change clients, people and settings."""
        return self.role in {Role.OWNER, Role.ADMIN}


def viewer_of(token: str | None, *, now: datetime | None = None) -> Viewer | None:
    """Whose browser sends this cookie; None for any that does not hold.

    Forged, unknown, expired, idle, revoked, or of somebody who is not active: all the same. Notes the visit.
    """
    secret = unseal(token, get_settings()) if token else None
    if secret is None:
        return None
    now = now or utc_now()
    everywhere = Scope.operator()  # whose tenant it is, is what the token says
    with reading(everywhere) as session:
        found = session_by_hash(everywhere, session, digest(secret))
    if found is None:
        return None
    row, user, business = found
    if not is_live(row, now) or user.state is not UserState.ACTIVE:
        return None
    if row.method is SignInMethod.DEMO and not business.is_demo:
        return None
    _note_visit(row, now)
    return viewer_for(user, business, row.method, session_id=row.id)


def viewer_for(
    user: User, business: Business, method: SignInMethod, *, session_id: UUID | None = None
) -> Viewer:
    """The viewer that an active person is."""
    is_operator = method is not SignInMethod.DEMO and user.email in get_settings().operators
    return Viewer(
        scope=Scope(business_id=business.id, user_id=user.id, role=user.role),
        session_id=session_id,
        name=user.name,
        email=user.email,
        timezone=user.timezone,
        business_name=business.name,
        business_slug=business.slug,
        is_demo=business.is_demo,
        method=method,
        is_operator=is_operator,
    )


def _note_visit(row: SignInSession, now: datetime) -> None:
    if now - row.seen_at < SEEN_EVERY:
        return
    later = update(SignInSession).where(
        col(SignInSession.id) == row.id, col(SignInSession.seen_at) <= now - SEEN_EVERY
    )
    try:
        with writing(Scope.system(row.business_id)) as session:
            session.exec(later.values(seen_at=now).execution_options(synchronize_session=False))
    except OperationalError:
        return  # a database that is busy or full is no reason to turn somebody away
