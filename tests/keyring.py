"""People with passwords, and the links that account mails bring them."""

import re
import zlib
from email import message_from_bytes
from email.policy import default
from uuid import UUID

from conftest import NOW, Tenant
from desk import rows

from models.accounts import User
from models.mail import Delivery, DeliveryKind, EmailBody
from models.scope import Role
from models.signin import Credential, LinkPurpose
from services.signin import passwords
from services.signin.links import PATH

PASSWORD = "seven lanterns over a quiet harbour"
OTHER = "brass kettles hum before midnight"


def add_person(
    tenant: Tenant, email: str = "maria@example.com", password: str = PASSWORD, role: Role = Role.MANAGER
) -> UUID:
    """An active person with a password."""
    user_id = tenant.add_user(email, user={"role": role})
    tenant.add(
        Credential(
            business_id=tenant.business_id,
            user_id=user_id,
            password_hash=passwords.hashed(password),
            changed_at=NOW,
        )
    )
    return user_id


def person(tenant: Tenant, user_id: UUID) -> User:
    [found] = rows(tenant, User, id=user_id)
    assert isinstance(found, User)
    return found


def credential(tenant: Tenant, user_id: UUID) -> Credential:
    [found] = rows(tenant, Credential, user_id=user_id)
    assert isinstance(found, Credential)
    return found


def account_mails(tenant: Tenant) -> list[tuple[str, str, str]]:
    """Recipient, subject and plain text of each account mail, the oldest first."""
    bodies = {body.delivery_id: zlib.decompress(body.mime) for body in rows(tenant, EmailBody)}
    mails = [mail for mail in rows(tenant, Delivery) if mail.kind is DeliveryKind.SYSTEM]
    return [(mail.recipient, mail.subject, text_of(bodies[mail.id])) for mail in mails]


def text_of(data: bytes) -> str:
    body = message_from_bytes(data, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def links_to(tenant: Tenant, purpose: LinkPurpose) -> list[str]:
    """The secrets of the links of this purpose that were mailed, the oldest first."""
    texts = " ".join(text for _to, _subject, text in account_mails(tenant))
    return re.findall(rf"/web/{PATH[purpose]}/([\w-]+)", texts)
