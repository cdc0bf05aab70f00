"""Sign-in by OpenID Connect: a provider proves an address, we say whose it is. Nobody is made by it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import col, select

from models.accounts import Business, User, UserState
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from models.signin import SignInMethod
from services.signin.sessions import LIFETIME
from services.signin.viewer import Viewer, viewer_for

_AHEAD = timedelta(minutes=5)
"""How far the provider's clock may run before ours."""


def is_fresh(claims: Mapping[str, object], *, now: datetime | None = None) -> bool:
    """Whether the provider said it within the time a session lasts; Streamlit itself would believe it for 30 days."""
    said = claims.get("iat")
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    age = (now or utc_now()).timestamp() - said
    return -_AHEAD.total_seconds() <= age < LIFETIME.total_seconds()


def viewer_by_claims(claims: Mapping[str, object], *, now: datetime | None = None) -> Viewer | None:
    """The person whom a provider's claims prove; None unless it vouches for the address, lately, and somebody has it.

    Somebody invited becomes active by it. An address that several businesses know goes to the first, by slug,
    that has it active, then invited.
    """
    address = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(address, str):
        return None
    if not is_fresh(claims, now=now):
        return None
    everywhere = Scope.operator()  # whose tenant it is, is what the address says
    with reading(everywhere) as session:
        found = session.exec(
            select(User, Business)
            .join(Business, col(Business.id) == User.business_id)
            .where(User.email == address.strip().lower(), User.state != UserState.DEACTIVATED)
            .where(col(Business.is_demo).is_(False))
            .order_by(col(Business.slug))
        ).all()
    if not found:
        return None
    user, business = min(found, key=lambda pair: pair[0].state is not UserState.ACTIVE)
    if user.state is UserState.INVITED:
        user = _activate(user)
    return viewer_for(user, business, SignInMethod.OIDC)


def _activate(user: User) -> User:
    scope = Scope(business_id=user.business_id, user_id=user.id, role=user.role)
    with writing(scope) as session:
        row = session.exec(select(User).where(User.id == user.id)).one()
        if row.state is UserState.INVITED:
            row.state = UserState.ACTIVE
            session.add(row)
            record(scope, session, "user.activated", str(row.id), method=SignInMethod.OIDC.value)
        return row
