"""Between a right password and the choice of a business: who has proven to be whom, signed, for five minutes."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import col, select

from models.accounts import Business, User, UserState
from models.engine import reading
from models.scope import Scope
from models.settings import get_settings
from models.tokens import signing_keys
from services.signin.attempt import Account

LIFETIME = timedelta(minutes=5)


def issue(accounts: Sequence[Account], now: datetime) -> str:
    """What the page that asks for the business sends back. It is worth nothing but with a right password before it."""
    return _serializer().dumps([int(now.timestamp()), *(str(one.user_id) for one in accounts)])


def accounts_of(ticket: str, now: datetime) -> list[Account]:
    """The accounts of a ticket that holds, as far as they are still active; none for any that does not."""
    try:
        made, *names = _serializer().loads(ticket)
        age = now - datetime.fromtimestamp(made, UTC)
        ids = [UUID(name) for name in names]
    except (BadData, ValueError, TypeError):
        return []
    if not timedelta(seconds=-1) <= age < LIFETIME:
        return []
    everywhere = Scope.operator()  # each account is of another tenant
    with reading(everywhere) as session:
        found = session.exec(
            select(User, Business)
            .join(Business, col(Business.id) == User.business_id)
            .where(col(User.id).in_(ids), User.state == UserState.ACTIVE)
            .order_by(col(Business.slug))
        ).all()
    return [
        Account(user.id, Scope(business_id=business.id, user_id=user.id, role=user.role), business.name)
        for user, business in found
    ]


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(
        list(reversed(signing_keys(get_settings()))),
        salt="client-monitor/choose-business",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
