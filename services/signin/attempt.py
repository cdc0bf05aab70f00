"""Signing in by address and password, as slowly as guessing deserves.

Whatever is wrong (no such address, a wrong password, somebody deactivated, too many tries), the answer is the same and
the work as well. An attempt is written down before it is made, so that many at once are counted too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from models.accounts import Business, User, UserState
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from models.signin import Credential, accounts_by_address, credential_of
from services.signin import passwords

FREE_FAILURES = 5
"""Wrong passwords in a row before an account rests."""
FIRST_REST = timedelta(minutes=1)
"""Doubled with every further failure, up to ``LONGEST_REST``."""
LONGEST_REST = timedelta(hours=1)
LAST_FAILURE = 100
"""After so many in a row the password is no way in any more, until a new one is set (NIST SP 800-63B-4, 3.2.2)."""
_LEAST_WORK = 2
"""Passwords checked for any attempt, so that an address of two businesses takes no longer than one of none."""
_FOR_GOOD = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Account:
    """A person whose password was right."""

    user_id: UUID
    scope: Scope
    business: str


@dataclass(frozen=True, slots=True)
class _Tried:
    account: Account
    password_hash: str
    failures: int
    """Before this attempt."""
    locked_until: datetime | None


def check_password(address: str, password: str, *, now: datetime | None = None) -> list[Account]:
    """The accounts of this address that have this password: none, one, or one in each of several businesses."""
    now = now or utc_now()
    everywhere = Scope.operator()  # an address says nothing about the tenant
    with reading(everywhere) as session:
        people = accounts_by_address(everywhere, session, address)
    tried = [
        one
        for user, business in people
        if user.state is UserState.ACTIVE and (one := _begin(user, business, now)) is not None
    ]
    right: dict[UUID, str | None] = {}
    for one in tried:
        is_right, renewed = passwords.matches(password, one.password_hash)
        if is_right:
            right[one.account.user_id] = renewed
    for _ in range(_LEAST_WORK - len(tried)):
        passwords.spend(password)
    for one in tried:
        if one.account.user_id not in right:
            _take_back(one) if right else _note_rest(one)
    return [
        one.account
        for one in tried
        if one.account.user_id in right and _confirm(one, right[one.account.user_id])
    ]


def check_own_password(scope: Scope, user_id: UUID, password: str, *, now: datetime) -> bool:
    """Whether it is this person's password: counted and delayed as at the door."""
    with reading(scope) as session:
        user = session.get(User, user_id)
        business = session.get(Business, scope.business)
    if user is None or business is None or user.business_id != scope.business:
        return False
    one = _begin(user, business, now)
    if one is None:
        return False
    is_right, renewed = passwords.matches(password, one.password_hash)
    if not is_right:
        _note_rest(one)
    return is_right and _confirm(one, renewed)


def rest_after(failures: int) -> timedelta | None:
    """How long an account rests after its latest failure; None while it need not."""
    if failures >= LAST_FAILURE:
        return _FOR_GOOD
    if failures < FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES, 10)
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)


def _begin(user: User, business: Business, now: datetime) -> _Tried | None:
    """Count an attempt as failed until it is known better; None where there is no password, or it rests."""
    scope = Scope(business_id=business.id, user_id=user.id, role=user.role)
    with writing(scope) as session:
        kept = credential_of(scope, session, user.id, for_update=True)
        if kept is None or (kept.locked_until is not None and now < kept.locked_until):
            return None
        before = _Tried(
            Account(user.id, scope, business.name), kept.password_hash, kept.failures, kept.locked_until
        )
        kept.failures += 1
        rest = rest_after(kept.failures)
        kept.locked_until = now + rest if rest else None
        session.add(kept)
    return before


def _note_rest(one: _Tried) -> None:
    rest = rest_after(one.failures + 1)
    if rest is None:
        return
    minutes = None if rest is _FOR_GOOD else int(rest / timedelta(minutes=1))
    # Whoever tried, nobody says it was the person.
    system = Scope.system(one.account.scope.business)
    with writing(system) as session:
        subject = str(one.account.user_id)
        record(system, session, "credential.rests", subject, failures=one.failures + 1, minutes=minutes)


def _confirm(one: _Tried, renewed: str | None) -> bool:
    """Forget the failures; False when the password was changed while it was checked."""
    with writing(one.account.scope) as session:
        kept = _kept(one, session)
        if kept is None or kept.password_hash != one.password_hash:
            return False
        kept.failures, kept.locked_until = 0, None
        kept.password_hash = renewed or kept.password_hash
        session.add(kept)
    return True


def _take_back(one: _Tried) -> None:
    """The password was right for the same address elsewhere: here nobody guessed."""
    with writing(one.account.scope) as session:
        kept = _kept(one, session)
        if kept is not None and kept.failures:
            kept.failures -= 1
            kept.locked_until = one.locked_until
            session.add(kept)


def _kept(one: _Tried, session: Session) -> Credential | None:
    return credential_of(one.account.scope, session, one.account.user_id, for_update=True)
