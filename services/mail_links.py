"""Who came back by a link of a mail, and in whose name they may act."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from models.accounts import Business, User
from models.engine import reading
from models.mail import Delivery
from models.scope import Scope
from models.tokens import Grant, Purpose, Tokens


@dataclass(frozen=True, slots=True)
class Visit:
    """The bearer of a token that holds: they act as the mail's recipient, in this one matter."""

    grant: Grant
    delivery: Delivery
    business: Business
    scope: Scope
    """The recipient's own; the machinery's for a mail to an address without a person."""


def visit(tokens: Tokens, purpose: Purpose, token: str, now: datetime) -> Visit | None:
    """The visit a token opens; None for a token that does not hold, a mail that is gone, and people who left.

    Reads only. No answer tells these cases apart.
    """
    grant = tokens.read(purpose, token, now)
    if grant is None:
        return None
    with reading(Scope.operator()) as session:
        delivery = session.exec(select(Delivery).where(Delivery.id == grant.delivery_id)).first()
        if delivery is None or not tokens.is_for(grant, delivery.recipient):
            return None
        business = session.exec(select(Business).where(Business.id == delivery.business_id)).one()
        if delivery.user_id is None:
            return Visit(grant, delivery, business, Scope.system(business.id))
        person = session.exec(select(User).where(User.id == delivery.user_id)).one()
    if not person.gets_mail or person.email.lower() != delivery.recipient.lower():
        return None
    return Visit(grant, delivery, business, Scope(business.id, person.id, person.role))


def masked(address: str) -> str:
    """An address its owner recognises and nobody else can write to: a…@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
