"""What a person asked for: read and changed by themselves, or by an admin for them."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlmodel import Session

from models.accounts import Frequency, User, UserPreference, stored_preference, user_by_email, users
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import categories_wanted, frequency_of, is_admin, lock_business
from services.errors import UserError
from services.explain import plain_message
from services.fields import Email, TimeOfDay, Weekday, YesNo, Zone
from tasks.filter.facts import load_people
from tasks.filter.known import let_go, reroute


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
    at = now or utc_now()
    with writing(scope) as session:
        lock_business(scope, session)
        user = person_of(scope, session, user_id)
        stored = _stored(scope, session, user)
        before = _view(scope, session, user, stored)
        try:
            after = Preferences.model_validate({**before.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "preferences"
            raise UserError(f"{where}: {plain_message(first['msg'])}", "correct it and try again") from None
        changed = [name for name in Preferences.model_fields if getattr(before, name) != getattr(after, name)]
        if not changed:
            return [], 0
        for name in changed:
            if name in _COLUMNS:
                setattr(stored, _COLUMNS[name], getattr(after, name))
            elif name in _OF_THE_PERSON:
                setattr(user, name, getattr(after, name))
            else:
                user.cover_user_id = _cover(scope, session, user, after.cover)
        stored.updated_at = at
        session.add(stored)
        session.add(user)
        session.flush()
        record(scope, session, "preferences.changed", str(user.id), fields=changed)
        people = load_people(scope, session, only=[user.id])
        closed = let_go(scope, session, people, at=at)
        if "frequency" in changed:
            reroute(scope, session, people, at=at)
        return changed, closed


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
