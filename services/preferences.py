"""What a person asked for: read and changed by themselves, or by an admin for them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session

from models.accounts import Frequency, User, UserPreference, stored_preference, user_by_email, users
from models.audit import newest_about, record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import categories_wanted, frequency_of, is_admin, lock_business
from services.errors import UserError
from services.explain import plain_message
from services.fields import Email, TimeOfDay, Weekday, YesNo, Zone
from tasks.filter.facts import load_people
from tasks.filter.known import follow


def _day(value: object) -> date | None:
    if value is None or isinstance(value, date):
        return value
    if not str(value).strip():
        return None
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError:
        raise ValueError(f"{str(value)!r} is no date: write it as 2026-12-24") from None


Day = Annotated[date | None, BeforeValidator(_day)]


def or_nothing(value: object) -> object:
    """None for an empty text: a field of a form that was cleared."""
    return None if isinstance(value, str) and not value.strip() else value


class Preferences(BaseModel):
    """Everything one person can ask for. ``cover`` is a colleague's address; ``categories`` None means all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notifications: YesNo = True
    email: YesNo = True
    frequency: Annotated[Frequency, BeforeValidator(frequency_of)] = Frequency.DAILY
    threshold: float = Field(default=0.5, ge=0, le=1)
    categories: Annotated[list[str] | None, BeforeValidator(categories_wanted)] = None
    assigned_clients_only: YesNo = True
    timezone: Zone = "UTC"
    digest_time: TimeOfDay = time(8, 0)
    digest_day: Weekday = 0
    quiet_from: Annotated[TimeOfDay | None, BeforeValidator(or_nothing)] = None
    quiet_until: Annotated[TimeOfDay | None, BeforeValidator(or_nothing)] = None
    max_items_per_digest: int = Field(default=10, ge=1, le=100)
    max_items_per_client: int = Field(default=3, ge=1, le=50)
    max_instant_per_day: int = Field(default=3, ge=0, le=100)
    absent_from: Day = None
    absent_until: Day = None
    cover: Annotated[Email | None, BeforeValidator(or_nothing)] = None

    @model_validator(mode="after")
    def _absence(self) -> Self:
        if self.absent_until is not None and self.absent_from is None:
            raise ValueError("absent_until needs absent_from: the first day away")
        if self.absent_from and self.absent_until and self.absent_until < self.absent_from:
            raise ValueError("absent_until lies before absent_from")
        return self


_COLUMNS = {
    "notifications": "notification_enabled",
    "email": "email_notifications_enabled",
    "frequency": "notification_frequency",
    "threshold": "relevance_threshold",
    "categories": "notification_categories",
    "assigned_clients_only": "assigned_clients_only",
    "digest_time": "digest_time",
    "digest_day": "digest_day_of_week",
    "quiet_from": "quiet_from",
    "quiet_until": "quiet_until",
    "max_items_per_digest": "max_items_per_digest",
    "max_items_per_client": "max_items_per_client",
    "max_instant_per_day": "max_instant_per_day",
}
_OF_THE_PERSON = ("timezone", "absent_from", "absent_until")
_CHANGED = "preferences.changed"


@dataclass(frozen=True, slots=True)
class LastChange:
    """The newest change of a person's preferences that can be taken back."""

    at: datetime
    by: str
    """Who changed them; empty for the machinery, or somebody who is gone."""
    before: Mapping[str, Any]
    """The changed fields as they were, by name."""
    after: Mapping[str, Any]
    is_undo: bool
    """It took back the change before it: undoing it does that one again."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may stand in for an absent person."""

    email: str
    name: str


def preferences_of_person(scope: Scope, user_id: UUID) -> Preferences:
    """What the person asked for, with the defaults where they asked for nothing."""
    with reading(scope) as session:
        user = person_of(scope, session, user_id)
        return _view(scope, session, user, _stored(scope, session, user))


def change_preferences(
    scope: Scope, user_id: UUID, changes: Mapping[str, object], *, now: datetime | None = None
) -> tuple[list[str], int]:
    """Set the named fields: those that really changed, and how many waiting items are not mailed because of it.

    What was mailed stays mailed, and what was turned away stays so: a change looks forward. What waits takes the route
    that a new frequency asks for. UserError names the
    field that is wrong.
    """
    with writing(scope) as session:
        lock_business(scope, session)
        return _change(scope, session, user_id, changes, now or utc_now(), is_undo=False)


def last_change(scope: Scope, user_id: UUID) -> LastChange | None:
    """What ``undo_change`` would take back; None when there is nothing. Their own, or an admin's."""
    with reading(scope) as session:
        person_of(scope, session, user_id)
        return _last(scope, session, user_id)


def undo_change(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> tuple[list[str], int]:
    """Take back the newest change, whoever made it: as ``change_preferences``, which it is. Twice does it again.

    Fields that something else has changed since stay as they are. UserError when there is nothing to take back.
    """
    with writing(scope) as session:
        lock_business(scope, session)
        user = person_of(scope, session, user_id)
        last = _last(scope, session, user_id)
        if last is None:
            raise UserError("there is no change to take back", "set what you want instead")
        standing = _noted(scope, session, _view(scope, session, user, _stored(scope, session, user)))
        changes = {name: old for name, old in last.before.items() if standing[name] == last.after.get(name)}
        if not changes:
            raise UserError("all of it has been changed again since", "set what you want instead")
        if changes.get("cover"):
            changes["cover"] = next(
                (one.email for one in users(scope, session) if str(one.id) == changes["cover"]), None
            )
        return _change(scope, session, user_id, changes, now or utc_now(), is_undo=not last.is_undo)


def changed_preferences(before: Preferences, changes: Mapping[str, object]) -> Preferences:
    """The preferences with these fields set. UserError names the field that is wrong."""
    try:
        return Preferences.model_validate({**before.model_dump(), **changes})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "preferences"
        raise UserError(f"{where}: {plain_message(first['msg'])}", "correct it and try again") from None


def put_on(user: User, stored: UserPreference, wants: Preferences, fields: Collection[str]) -> None:
    """Write these fields of ``wants`` into the rows that hold them; the cover, an id there, is left to the caller."""
    for name in fields:
        if name in _COLUMNS:
            setattr(stored, _COLUMNS[name], getattr(wants, name))
        elif name in _OF_THE_PERSON:
            setattr(user, name, getattr(wants, name))


def colleagues(scope: Scope, user_id: UUID) -> list[Colleague]:
    """Who may stand in for the person, by name: everybody else who gets mail."""
    with reading(scope) as session:
        person_of(scope, session, user_id)
        others = [one for one in users(scope, session) if one.id != user_id and one.gets_mail]
    return [Colleague(one.email, one.name) for one in sorted(others, key=lambda one: (one.name, one.email))]


def person_of(scope: Scope, session: Session, user_id: UUID) -> User:
    """Whose wishes the scope may see and change: its own person, or anybody for an admin.

    PermissionError for somebody else's, UserError when there is no such person.
    """
    if scope.user_id != user_id and not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may change their own preferences only")
    found = next((user for user in users(scope, session) if user.id == user_id), None)
    if found is None:
        raise UserError("there is no such person in this business", "reload the page")
    return found


def _change(
    scope: Scope,
    session: Session,
    user_id: UUID,
    changes: Mapping[str, object],
    at: datetime,
    *,
    is_undo: bool,
) -> tuple[list[str], int]:
    user = person_of(scope, session, user_id)
    stored = _stored(scope, session, user)
    before = _view(scope, session, user, stored)
    after = changed_preferences(before, changes)
    changed = [name for name in Preferences.model_fields if getattr(before, name) != getattr(after, name)]
    if not changed:
        return [], 0
    put_on(user, stored, after, changed)
    if "cover" in changed:
        user.cover_user_id = _cover(scope, session, user, after.cover)
    stored.updated_at = at
    session.add(stored)
    session.add(user)
    session.flush()
    old, new = _noted(scope, session, before), _noted(scope, session, after)
    record(
        scope,
        session,
        _CHANGED,
        str(user.id),
        fields=changed,
        before={name: old[name] for name in changed},
        after={name: new[name] for name in changed},
        is_undo=is_undo,
    )
    people = load_people(scope, session, only=[user.id])
    return changed, follow(scope, session, people, changed, at=at)


def _last(scope: Scope, session: Session, user_id: UUID) -> LastChange | None:
    row = newest_about(scope, session, _CHANGED, str(user_id))
    # Lines of before old values were kept have none.
    if row is None or not row.details.get("before"):
        return None
    by = next((one.name for one in users(scope, session) if one.id == row.actor_id), "")
    known = set(Preferences.model_fields)
    before = {name: value for name, value in row.details["before"].items() if name in known}
    after = row.details.get("after", {})
    return LastChange(row.created_at, by, before, after, bool(row.details.get("is_undo")))


def _noted(scope: Scope, session: Session, wants: Preferences) -> dict[str, Any]:
    """As the audit log holds them: a colleague by id, for addresses change and people go."""
    cover = user_by_email(scope, session, wants.cover) if wants.cover else None
    return wants.model_dump(mode="json") | {"cover": str(cover.id) if cover else None}


def _stored(scope: Scope, session: Session, user: User) -> UserPreference:
    stored = stored_preference(scope, session, user.id)
    return stored or UserPreference(business_id=user.business_id, user_id=user.id)


def _view(scope: Scope, session: Session, user: User, stored: UserPreference) -> Preferences:
    values: dict[str, Any] = {name: getattr(stored, column) for name, column in _COLUMNS.items()}
    values |= {name: getattr(user, name) for name in _OF_THE_PERSON}
    cover = next((one for one in users(scope, session) if one.id == user.cover_user_id), None)
    # Stored values were checked when they were stored; what a newer rule would refuse must still be shown.
    return Preferences.model_construct(**values, cover=cover.email if cover else None)


def _cover(scope: Scope, session: Session, user: User, email: str | None) -> UUID | None:
    if email is None:
        return None
    found = user_by_email(scope, session, email)
    if found is None or not found.gets_mail:
        raise UserError(f"cover: there is nobody with the address {email!r}", "name a colleague")
    if found.id == user.id:
        raise UserError("cover: nobody stands in for themselves", "name a colleague")
    return found.id
