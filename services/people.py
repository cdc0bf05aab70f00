"""The people of a tenant, for its admins: who is in, who is asked in, what role they have, and who is out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.accounts import Frequency, User, UserState, preferences_of, user_by_email, users
from models.audit import record
from models.base import utc_now
from models.clients import clients_by_person, clients_of_person
from models.engine import reading, writing
from models.scope import Role, Scope
from models.signin import (
    AccountLink,
    Credential,
    LinkPurpose,
    SignInSession,
    credential_of,
    revoke_sessions,
    void_links,
)
from services.accounts import PersonFields, lock_business, require_admin, save_person
from services.errors import UserError
from services.signin.credentials import person_of, send_link
from services.signin.letters import send_now
from services.signin.sessions import require_self_or_admin
from tasks.filter.facts import load_people
from tasks.filter.known import let_go

__all__ = [
    "PersonLine",
    "change_role",
    "deactivate",
    "find_person",
    "invite_again",
    "invite_person",
    "list_people",
    "looked_after_by",
    "reactivate",
    "send_now",
    "send_reset",
]


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person, as the list of people shows them."""

    user_id: UUID
    name: str
    email: str
    role: Role
    state: UserState
    timezone: str
    has_password: bool
    seen_at: datetime | None
    """Their last visit that is known of."""
    invited_until: datetime | None
    """When the invitation that is open ends."""
    frequency: Frequency
    clients: int
    """How many watched clients they look after."""


def list_people(scope: Scope) -> list[PersonLine]:
    """Everybody of the tenant, by address. For admins."""
    require_admin(scope)
    with reading(scope) as session:
        everybody = users(scope, session)
        with_password = set(session.exec(select(Credential.user_id)))
        seen = dict(
            session.exec(
                select(SignInSession.user_id, func.max(SignInSession.seen_at)).group_by(
                    col(SignInSession.user_id)
                )
            ).all()
        )
        open_until = dict(
            session.exec(
                select(AccountLink.user_id, AccountLink.expires_at).where(
                    AccountLink.purpose == LinkPurpose.INVITATION, col(AccountLink.used_at).is_(None)
                )
            ).all()
        )
        wants = preferences_of(scope, session)
        looked_after = clients_by_person(scope, session)
    return [
        PersonLine(
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=user.role,
            state=user.state,
            timezone=user.timezone,
            has_password=user.id in with_password,
            seen_at=seen.get(user.id),
            invited_until=open_until.get(user.id) if user.state is UserState.INVITED else None,
            frequency=wants[user.id].notification_frequency,
            clients=looked_after.get(user.id, 0),
        )
        for user in everybody
    ]


def looked_after_by(scope: Scope, user_id: UUID) -> dict[UUID, str]:
    """The watched clients somebody looks after, by id: their names, in order. Their own, or for admins."""
    require_self_or_admin(scope, user_id)
    with reading(scope) as session:
        return {client.id: client.name for client in clients_of_person(scope, session, user_id)}


def invite_person(
    scope: Scope,
    email: str,
    *,
    role: Role = Role.MANAGER,
    name: str = "",
    timezone: str = "",
    now: datetime | None = None,
) -> User:
    """Ask somebody in by mail; who was asked before gets a new link, and the old one opens nothing any more.

    The mail goes out with the next tick, or by ``send_now``. UserError for a bad field, for who is in already, and for
    who was deactivated.
    """
    require_admin(scope)
    at = now or utc_now()
    given = {"email": email, "role": role, "name": name.strip(), "timezone": timezone}
    try:
        fields = PersonFields.model_validate({key: value for key, value in given.items() if value})
    except ValueError as error:
        raise UserError(_first_fault(error), "correct it and try again") from None
    with writing(scope) as session:
        lock_business(scope, session)
        known = user_by_email(scope, session, fields.email)
        if known is not None and known.state is not UserState.INVITED:
            where = "is in already" if known.state is UserState.ACTIVE else "was deactivated: reactivate them"
            raise UserError(f"{fields.email} {where}", "the list of people shows everybody")
        user = _saved(scope, session, fields)
    _mail_link(scope, user.id, at)
    return user


def invite_again(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> None:
    """Mail a new invitation to who never came in. UserError for everybody else."""
    require_admin(scope)
    user, _business = person_of(scope, user_id)
    if user.state is not UserState.INVITED:
        raise UserError(f"{user.email} is {user.state.value}, not invited", "they need no invitation")
    _mail_link(scope, user_id, now or utc_now())


def send_reset(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> None:
    """Mail an active person a link to set a new password. UserError for everybody else."""
    require_admin(scope)
    user, _business = person_of(scope, user_id)
    if user.state is not UserState.ACTIVE:
        raise UserError(f"{user.email} is {user.state.value}", "invite or reactivate them")
    _mail_link(scope, user_id, now or utc_now())


def find_person(scope: Scope, email: str) -> UUID:
    """The id of who goes by this address, in any state. UserError for nobody."""
    with reading(scope) as session:
        user = user_by_email(scope, session, email)
    if user is None:
        raise UserError(
            f"there is nobody with the address {email!r}", "client-monitor user list shows everybody"
        )
    return user.id


def change_role(scope: Scope, user_id: UUID, role: Role) -> User:
    """Give somebody another role, from their next look on. UserError when the last owner would be gone."""
    require_admin(scope)
    user, _business = person_of(scope, user_id)
    with writing(scope) as session:
        lock_business(scope, session)
        return _saved(scope, session, PersonFields(email=user.email, role=role))


def deactivate(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> int:
    """End somebody's sessions, links and mail at once; how many waiting items are not mailed because of it.

    What they did and got stays in the records. UserError for the last owner, and for oneself.
    """
    require_admin(scope)
    at = now or utc_now()
    with writing(scope) as session:
        lock_business(scope, session)
        user = _row(session, user_id)
        if user.id == scope.user_id:
            raise UserError("nobody can deactivate themselves", "ask another admin")
        _require_rank(scope, user.role)
        if user.state is UserState.DEACTIVATED:
            return 0
        owners = [one for one in users(scope, session) if one.role is Role.OWNER and one.gets_mail]
        if owners == [user]:
            raise UserError(f"{user.email} is the only owner", "make somebody else owner first")
        user.state = UserState.DEACTIVATED
        session.add(user)
        session.flush()
        ended = revoke_sessions(scope, session, user_id, at)
        void_links(scope, session, user_id, at)
        closed = let_go(scope, session, load_people(scope, session, [user_id]), at=at)
        record(scope, session, "user.deactivated", str(user_id), sessions_ended=ended, items_closed=closed)
        return closed


def reactivate(scope: Scope, user_id: UUID) -> User:
    """Let somebody back in: with their password where they have one, else they are to be invited again."""
    require_admin(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        user = _row(session, user_id)
        _require_rank(scope, user.role)
        if user.state is not UserState.DEACTIVATED:
            raise UserError(f"{user.email} is {user.state.value}", "nothing is to be done")
        has_password = credential_of(scope, session, user_id) is not None
        user.state = UserState.ACTIVE if has_password else UserState.INVITED
        session.add(user)
        record(scope, session, "user.reactivated", str(user_id), state=user.state.value)
        return user


def _mail_link(scope: Scope, user_id: UUID, now: datetime) -> None:
    user, business = person_of(scope, user_id)
    if business.is_demo:
        raise UserError("the demo mails nobody", "try it in a business of your own")
    by = person_of(scope, scope.user_id)[0].name if scope.user_id else ""
    if not send_link(scope, user, business, by=by, now=now):
        raise UserError(
            f"{user.email} was mailed a link just now", "wait two minutes before you send another one"
        )


def _saved(scope: Scope, session: Session, fields: PersonFields) -> User:
    try:
        return save_person(scope, session, fields)[0]
    except ValueError as error:
        raise UserError(str(error), "nothing was changed") from None


def _row(session: Session, user_id: UUID) -> User:
    user = session.exec(select(User).where(User.id == user_id)).first()
    if user is None:
        raise UserError("there is no such person here", "the list of people shows everybody")
    return user


def _require_rank(scope: Scope, role: Role) -> None:
    if role is Role.OWNER and scope.role is Role.ADMIN:
        raise PermissionError("only an owner may change an owner's account")


def _first_fault(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return str(error)
