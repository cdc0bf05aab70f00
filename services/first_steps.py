"""What a tenant still has to do before the first digest."""

from sqlmodel import select

from models.clients import Client
from models.engine import reading
from models.scope import Scope


def is_new(scope: Scope) -> bool:
    """Whether the tenant watches no client yet and never did."""
    with reading(scope) as session:
        return session.exec(select(Client.id).limit(1)).first() is None
