"""A person's own account: a new password, by proof of the old one or of the address, and a new address."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from models.accounts import Business, User, UserState, user_by_email
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from models.signin import (
    Credential,
    LinkPurpose,
    accounts_by_address,
    credential_of,
    links_of,
    revoke_sessions,
    void_links,
)
from services.errors import UserError
from services.fields import email_address, zone_name
from services.signin import letters, links, passwords, sessions
from services.signin.attempt import Account, check_own_password

AGAIN_AFTER = timedelta(minutes=2)
"""Until then nobody gets a second link of a kind, however often somebody asks."""


def set_password(
    scope: Scope, user_id: UUID, password: str, *, keep: UUID | None = None, now: datetime | None = None
) -> None:
    """Give the person this password, sign every browser out but the session ``keep``, and tell them by mail.

    Who was invited is active with it. UserError for a password that is too weak or somebody who is deactivated. Not a
    door: who calls has made sure that it is the person, or has a shell here.
    """
    sessions.require_own(scope, user_id)
    now = now or utc_now()
    user, business = person_of(scope, user_id)
    if user.state is UserState.DEACTIVATED:
        raise UserError(f"{user.email} is deactivated", "reactivate the account first")
    passwords.refuse_weak(password, _context(user, business))
    password_hash = passwords.hashed(password)
    with writing(scope) as session:
        had_one = _store(scope, session, user_id, password_hash, now, keep=keep)
        row = session.exec(select(User).where(User.id == user_id)).one()
        if row.state is UserState.INVITED:
            row.state = UserState.ACTIVE
            session.add(row)
            record(scope, session, "user.activated", str(user_id))
    if had_one and not business.is_demo:
        letters.password_changed(scope, user, at=now)


def change_password(
    scope: Scope, current: str, new: str, *, keep: UUID | None = None, now: datetime | None = None
) -> None:
    """Change the scope's person's own password, by proof of the present one. UserError says what is wrong."""
    now = now or utc_now()
    user_id = _own(scope)
    _require_password(scope, user_id, current, now)
    set_password(scope, user_id, new, keep=keep, now=now)


def request_reset(address: str, *, now: datetime | None = None) -> list[Scope]:
    """Mail a link for a new password to each account of this address; an invitation where they never came in.

    The tenants that have mail to send now. Nothing tells whether there is such an account, and nobody is written to
    more often than every ``AGAIN_AFTER``.
    """
    now = now or utc_now()
    everywhere = Scope.operator()  # an address says nothing about the tenant
    with reading(everywhere) as session:
        people = accounts_by_address(everywhere, session, address)
    mailed = []
    for user, business in people:
        if user.state is UserState.DEACTIVATED or business.is_demo:
            continue
        scope = Scope.system(business.id)  # whoever asks, nobody says it is the person
        if send_link(scope, user, business, now=now):
            mailed.append(scope)
    return mailed


def send_link(scope: Scope, user: User, business: Business, *, by: str = "", now: datetime) -> bool:
    """Mail an active person a link for a new password, an invited one their invitation; False when one just went."""
    purpose = LinkPurpose.INVITATION if user.state is UserState.INVITED else LinkPurpose.RESET
    with writing(scope) as session:
        if any(now - link.created_at < AGAIN_AFTER for link in links_of(scope, session, user.id, purpose)):
            return False
        link, address = links.issue(scope, session, user, purpose, now=now)
        record(scope, session, f"{purpose.value}.mailed", str(user.id))
    if purpose is LinkPurpose.INVITATION:
        letters.invitation(scope, user, link, address, business=business.name, by=by, at=now)
    else:
        letters.reset(scope, user, link, address, business=business.name, at=now)
    return True


def reset_password(secret: str, password: str, *, now: datetime | None = None) -> Account | None:
    """Set a new password by a link; None when the link does not hold. UserError for a password that is too weak."""
    now = now or utc_now()
    one = links.held(LinkPurpose.RESET, secret, now)
    if one is None:
        return None
    passwords.refuse_weak(password, _context(one.user, one.business))
    password_hash = passwords.hashed(password)
    with writing(one.scope) as session:
        links.use(one, session, now)
        _store(one.scope, session, one.user.id, password_hash, now)
    letters.password_changed(one.scope, one.user, at=now)
    return Account(one.user.id, one.scope, one.business.name)


def join(
    secret: str, *, name: str, password: str, timezone: str, now: datetime | None = None
) -> Account | None:
    """Accept an invitation; None when the link does not hold. UserError names the field that is wrong."""
    now = now or utc_now()
    one = links.held(LinkPurpose.INVITATION, secret, now)
    if one is None:
        return None
    called = " ".join(name.split())
    if not 0 < len(called) <= 200:
        raise UserError("a name has 1 to 200 characters", "say what colleagues call you")
    try:
        zone = zone_name(timezone)
    except ValueError as error:
        raise UserError(str(error), "choose one of the list") from None
    passwords.refuse_weak(password, (called, *_context(one.user, one.business)))
    password_hash = passwords.hashed(password)
    with writing(one.scope) as session:
        links.use(one, session, now)
        row = session.exec(select(User).where(User.id == one.user.id)).one()
        row.name, row.timezone, row.state = called, zone, UserState.ACTIVE
        session.add(row)
        _store(one.scope, session, row.id, password_hash, now)
        record(one.scope, session, "user.joined", str(row.id))
    return Account(one.user.id, one.scope, one.business.name)


def request_new_address(scope: Scope, address: str, password: str, *, now: datetime | None = None) -> str:
    """Mail a link to another address of the scope's person, by proof of their password; the address as it is written.

    Until the link is followed nothing changes. UserError says what is wrong.
    """
    now = now or utc_now()
    user_id = _own(scope)
    try:
        new = email_address(address)
    except ValueError as error:
        raise UserError(str(error), "correct it and try again") from None
    user, business = person_of(scope, user_id)
    if new == user.email:
        raise UserError("this is your address already", "give another one")
    if business.is_demo:
        raise UserError("the demo mails nobody", "try it in a business of your own")
    _require_password(scope, user_id, password, now)
    with writing(scope) as session:
        link, where = links.issue(scope, session, user, LinkPurpose.NEW_ADDRESS, now=now, new_email=new)
        record(scope, session, "new_address.mailed", str(user_id))
    letters.new_address(scope, user, link, where, at=now)
    return new


def confirm_new_address(secret: str, *, now: datetime | None = None) -> links.Held | None:
    """Give the person the address the link was mailed to; None when the link does not hold.

    The old address is told. UserError when a colleague has the address by now.
    """
    now = now or utc_now()
    one = links.held(LinkPurpose.NEW_ADDRESS, secret, now)
    if one is None or one.link.new_email is None:
        return None
    taken = UserError("somebody here has this address already", "ask whoever looks after Client Monitor")
    scope, old = one.scope, one.user.email
    try:
        with writing(scope) as session:
            if user_by_email(scope, session, one.link.new_email) is not None:
                raise taken
            links.use(one, session, now)
            row = session.exec(select(User).where(User.id == one.user.id)).one()
            row.email = one.link.new_email
            session.add(row)
            # A link that lies in the old mailbox must not open the account.
            void_links(scope, session, row.id, now, LinkPurpose.RESET)
            record(scope, session, "user.address_changed", str(row.id))
    except IntegrityError:
        raise taken from None
    letters.address_changed(scope, row, one.link.id, old=old, at=now)
    return one


def person_of(scope: Scope, user_id: UUID) -> tuple[User, Business]:
    """A person of the scope's tenant, and the tenant. UserError when they are gone."""
    with reading(scope) as session:
        user = session.exec(select(User).where(User.id == user_id)).first()
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
    if user is None:
        raise UserError("there is no such person here", "client-monitor user list shows who there is")
    return user, business


def _store(
    scope: Scope,
    session: Session,
    user_id: UUID,
    password_hash: str,
    now: datetime,
    *,
    keep: UUID | None = None,
) -> bool:
    """Whether there was a password before."""
    before = credential_of(scope, session, user_id, for_update=True)
    kept = before or Credential(business_id=scope.business, user_id=user_id, password_hash="")
    kept.password_hash, kept.changed_at, kept.failures, kept.locked_until = password_hash, now, 0, None
    session.add(kept)
    # Whoever asked for those did not have this password.
    void_links(scope, session, user_id, now)
    ended = revoke_sessions(scope, session, user_id, now, but=keep)
    record(scope, session, "credential.changed", str(user_id), sessions_ended=ended)
    return before is not None


def _require_password(scope: Scope, user_id: UUID, password: str, now: datetime) -> None:
    with reading(scope) as session:
        has_one = credential_of(scope, session, user_id) is not None
    if not has_one:
        raise UserError(
            "your account has no password yet", 'set one with "Forgot your password?" on the sign-in page'
        )
    if not check_own_password(scope, user_id, password, now=now):
        raise UserError(
            "this is not your present password, or there were too many attempts",
            "try again in a few minutes, or set a new one by mail",
        )


def _own(scope: Scope) -> UUID:
    if scope.user_id is None:
        raise PermissionError("an account is a person's: say whose")
    return scope.user_id


def _context(user: User, business: Business) -> Sequence[str]:
    return user.name, user.email, business.name, business.slug
