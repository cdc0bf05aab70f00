"""The demo's one-click sign-in. That it is asked on this machine is for the door to see to."""

from sqlmodel import col, select

from models.accounts import Business, User, UserState
from models.engine import reading
from models.scope import Role, Scope
from services.signin.attempt import Account


def demo_account() -> Account | None:
    """The owner of the demo tenant; None where no demo was loaded."""
    everywhere = Scope.operator()  # there is one demo, whoever asks
    with reading(everywhere) as session:
        found = session.exec(
            select(User, Business)
            .join(Business, col(Business.id) == User.business_id)
            .where(col(Business.is_demo).is_(True), User.state == UserState.ACTIVE, User.role == Role.OWNER)
            .order_by(col(Business.slug), col(User.email))
        ).first()
    if found is None:
        return None
    user, business = found
    return Account(user.id, Scope(business_id=business.id, user_id=user.id, role=user.role), business.name)
