"""One-time links of account mails: an invitation, a new password, the proof of a new address.

A link opens nothing once it was used, has expired, or a newer one of its kind was made.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from models.accounts import Business, User, UserState
from models.engine import reading
from models.scope import Scope
from models.settings import get_settings
from models.signin import AccountLink, LinkPurpose, link_by_hash, use_link, void_links
from services.errors import UserError
from services.signin.cookie import digest, new_secret
from tasks.notify.links import PREFIX

LIFETIME = {
    LinkPurpose.INVITATION: timedelta(days=14),
    LinkPurpose.RESET: timedelta(hours=1),
    LinkPurpose.NEW_ADDRESS: timedelta(hours=24),
}
PATH = {
    LinkPurpose.INVITATION: "join",
    LinkPurpose.RESET: "reset",
    LinkPurpose.NEW_ADDRESS: "new-address",
}
"""Where the web service answers them."""
_OPENS_FOR = {
    LinkPurpose.INVITATION: UserState.INVITED,
    LinkPurpose.RESET: UserState.ACTIVE,
    LinkPurpose.NEW_ADDRESS: UserState.ACTIVE,
}


@dataclass(frozen=True, slots=True)
class Held:
    """A link that holds, and whose it is."""

    link: AccountLink
    user: User
    business: Business

    @property
    def scope(self) -> Scope:
        return Scope(business_id=self.business.id, user_id=self.user.id, role=self.user.role)


def issue(
    scope: Scope,
    session: Session,
    user: User,
    purpose: LinkPurpose,
    *,
    now: datetime,
    new_email: str | None = None,
) -> tuple[AccountLink, str]:
    """A new link for the person, in the caller's transaction, and its address. Older ones of its kind open nothing."""
    void_links(scope, session, user.id, now, purpose)
    secret = new_secret()
    link = AccountLink(
        business_id=scope.business,
        user_id=user.id,
        purpose=purpose,
        token_hash=digest(secret),
        new_email=new_email,
        created_at=now,
        expires_at=now + LIFETIME[purpose],
    )
    session.add(link)
    return link, f"{get_settings().public_url.rstrip('/')}{PREFIX}/{PATH[purpose]}/{secret}"


def held(purpose: LinkPurpose, secret: str, now: datetime) -> Held | None:
    """What this link opens; None for any that does not hold, whatever the reason."""
    everywhere = Scope.operator()  # whose tenant it is, is what the link says
    with reading(everywhere) as session:
        found = link_by_hash(everywhere, session, digest(secret))
    if found is None:
        return None
    link, user, business = found
    is_open = link.used_at is None and link.created_at <= now < link.expires_at
    if link.purpose is not purpose or not is_open or user.state is not _OPENS_FOR[purpose]:
        return None
    return Held(link, user, business)


def use(one: Held, session: Session, now: datetime) -> None:
    """Use the link up, in the transaction of what it is used for. UserError when somebody was faster."""
    if not use_link(one.scope, session, one.link.id, now):
        raise UserError("this link was used already", "ask for a new one")
