"""Businesses and their people: made, changed and imported here, with every change in the audit log."""

import re
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session, select

from models.accounts import (
    Business,
    Frequency,
    User,
    UserPreference,
    UserState,
    business_by_slug,
    businesses,
    stored_preference,
    user_by_email,
    users,
)
from models.audit import record
from models.base import utc_now
from models.clients import every_client
from models.engine import reading, writing
from models.events import Category
from models.scope import Role, Scope
from services.csvfiles import Fault, read_table, split_list
from services.errors import UserError
from services.fields import Email, TimeOfDay, Weekday, YesNo, Zone, email_address, name_from_address
from tasks.filter.facts import load_people
from tasks.filter.known import follow

DEFAULT_SLUG = "main"
DEMO_SLUG = "demo"
PERSON_ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.VIEWER)
_ADMINS = {Role.OWNER, Role.ADMIN, Role.SYSTEM, Role.OPERATOR}


def is_admin(scope: Scope) -> bool:
    """Whether the scope may change clients, people, assignments and patterns."""
    return scope.role in _ADMINS


def require_admin(scope: Scope) -> None:
    """PermissionError unless the scope is an admin's."""
    if not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may not change clients, people or patterns")


def scope_of(scope: Scope, email: str) -> Scope:
    """The scope of the person with this address, for a door that acts in their name. UserError for nobody.

    Only who may act as anybody (the system, an admin) gets one.
    """
    require_admin(scope)
    with reading(scope) as session:
        person = user_by_email(scope, session, email)
    if person is None or not person.gets_mail:
        raise UserError(
            f"there is nobody with the address {email!r}", "client-monitor status lists the people"
        )
    return Scope(business_id=scope.business, user_id=person.id, role=person.role)


def create_business(slug: str, name: str, *, is_demo: bool = False) -> Business:
    """A new tenant. UserError when the slug is malformed or taken."""
    slug = slug.strip().lower()
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", slug):
        raise UserError(f"{slug!r} cannot name a business", "use lower-case letters, digits and dashes")
    name = _business_name(name)
    with writing(Scope.operator()) as session:
        if business_by_slug(session, slug) is not None:
            raise UserError(f"there is a business {slug!r} already", "choose another slug")
        business = Business(slug=slug, name=name, is_demo=is_demo)
        session.add(business)
        session.flush()
        record(Scope.system(business.id), session, "business.created", slug, name=name)
        return business


def every_business() -> list[Business]:
    """Every tenant, by slug."""
    with reading(Scope.operator()) as session:
        return businesses(session)


def find_business(slug: str) -> Business | None:
    """The tenant with this slug, or None."""
    return next((one for one in every_business() if one.slug == slug.strip().lower()), None)


def default_business() -> Business:
    """The tenant an import is meant for when none is named; ``main`` is made when there is none but the demo."""
    return _only(_real()) if _real() else create_business(DEFAULT_SLUG, name_of_slug(DEFAULT_SLUG))


def own_business(slug: str | None) -> Business:
    """The named tenant, or the only one there is, the demo never unless named. UserError when there is none."""
    if slug is not None:
        return pick_business(slug)
    real = _real()
    if not real:
        raise UserError(
            "there is no business yet",
            "run `client-monitor init`, then `client-monitor import-clients FILE.csv`",
        )
    return _only(real)


def _real() -> list[Business]:
    return [business for business in every_business() if not business.is_demo]


def name_of_slug(slug: str) -> str:
    """What a business is called until somebody names it."""
    return slug.strip().capitalize()


def rename_business(scope: Scope, name: str) -> Business:
    """Give the tenant another name; its slug stays. UserError when the name cannot be one."""
    require_admin(scope)
    name = _business_name(name)
    with writing(scope) as session:
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
        if business.name != name:
            record(scope, session, "business.renamed", business.slug, old=business.name, new=name)
            business.name = name
            session.add(business)
        return business


def goes_by_slug(scope: Scope) -> bool:
    """Whether nobody has named the tenant yet and it watches no client: its name is nobody's choice."""
    with reading(scope) as session:
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
        return business.name == name_of_slug(business.slug) and not every_client(scope, session)


def _business_name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= 200:
        raise UserError("a business needs a name of at most 200 characters", "give one with --name")
    return name


def pick_business(slug: str | None) -> Business:
    """The named tenant, or the only one there is (the demo counts last). UserError lists them otherwise."""
    known = every_business()
    slugs = ", ".join(business.slug for business in known) or "none yet"
    if slug is not None:
        for business in known:
            if business.slug == slug.strip().lower():
                return business
        raise UserError(f"there is no business {slug!r}; known: {slugs}", "name one of those with --business")
    if not known:
        raise UserError("there is no business yet", "run `client-monitor init`, or `client-monitor demo`")
    return _only([business for business in known if not business.is_demo] or known)


def _only(candidates: list[Business]) -> Business:
    if len(candidates) == 1:
        return candidates[0]
    for business in candidates:
        if business.slug == DEFAULT_SLUG:
            return business
    slugs = ", ".join(business.slug for business in candidates)
    raise UserError(f"there are several businesses: {slugs}", "name one with --business")


def role_of(value: object) -> Role:
    """The role of that name; ValueError lists them."""
    word = str(value).strip().lower()
    for role in PERSON_ROLES:
        if word == role.value:
            return role
    raise ValueError(f"{str(value)!r} is no role: use {', '.join(role.value for role in PERSON_ROLES)}")


def frequency_of(value: object) -> Frequency:
    """The frequency of that name; ValueError lists them."""
    word = str(value).strip().lower()
    if word not in set(Frequency):
        raise ValueError(f"{str(value)!r} is no frequency: use {', '.join(Frequency)}")
    return Frequency(word)


def categories_wanted(value: object) -> list[str] | None:
    """Category values from a list or "a, b"; None, "" and "all" mean every one. ValueError lists them."""
    names = value if isinstance(value, list) else split_list(str(value or ""))
    names = [str(name).strip().lower().replace(" ", "_").replace("-", "_") for name in names]
    unknown = [name for name in names if name not in {*Category, "all"}]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no category: use {', '.join(Category)}")
    return None if not names or "all" in names else names


class PersonFields(BaseModel):
    """What may be said about a person; what is left unset stays as it is (or has the product's default)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Email
    name: str | None = Field(default=None, max_length=200)
    role: Annotated[Role, BeforeValidator(role_of)] = Role.MANAGER
    timezone: Zone = "UTC"
    frequency: Annotated[Frequency, BeforeValidator(frequency_of)] = Frequency.DAILY
    threshold: float = Field(default=0.5, ge=0, le=1)
    categories: Annotated[list[str] | None, BeforeValidator(categories_wanted)] = None
    digest_time: TimeOfDay = time(8, 0)
    digest_day: Weekday = 0
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None
    assigned_clients_only: YesNo = True

    @field_validator("threshold", mode="before")
    @classmethod
    def _decimal_comma(cls, value: object) -> object:
        return value.replace(",", ".") if isinstance(value, str) else value


_PREFERENCES = {
    "frequency": "notification_frequency",
    "threshold": "relevance_threshold",
    "categories": "notification_categories",
    "digest_time": "digest_time",
    "digest_day": "digest_day_of_week",
    "quiet_from": "quiet_from",
    "quiet_until": "quiet_until",
    "assigned_clients_only": "assigned_clients_only",
}


@dataclass(slots=True)
class PeopleReport:
    """What an import of people came to."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether any row was good."""
        return bool(self.created or self.updated or self.unchanged)


def lock_business(scope: Scope, session: Session) -> None:
    """Let one change of clients and people go on at a time (SQLite's writers do so anyway)."""
    session.exec(select(Business.id).where(Business.id == scope.business).with_for_update()).one()


def invite(scope: Scope, session: Session, address: str, **fields: Any) -> User:
    """The person with this address; somebody new is invited as a manager with default preferences."""
    email = email_address(address)
    user = user_by_email(scope, session, email)
    return user or _create(
        scope, session, PersonFields(email=email, **fields), UserState.INVITED, "user.invited"
    )


def _require_rank(scope: Scope, *roles: Role) -> None:
    if Role.OWNER in roles and scope.role is Role.ADMIN:
        raise PermissionError("only an owner may make somebody an owner, or take it from them")


def _create(scope: Scope, session: Session, fields: PersonFields, state: UserState, action: str) -> User:
    _require_rank(scope, fields.role)
    user = User(
        business_id=scope.business,
        email=fields.email,
        name=fields.name or name_from_address(fields.email),
        role=fields.role,
        state=state,
        timezone=fields.timezone,
    )
    session.add(user)
    session.flush()
    preference = UserPreference(business_id=scope.business, user_id=user.id)
    for name in fields.model_fields_set & _PREFERENCES.keys():
        setattr(preference, _PREFERENCES[name], getattr(fields, name))
    session.add(preference)
    session.flush()
    record(scope, session, action, str(user.id), role=user.role.value)
    return user


def save_person(
    scope: Scope, session: Session, fields: PersonFields, *, state: UserState = UserState.INVITED
) -> tuple[User, str]:
    """Make or change a person; the second value is created, updated or unchanged.

    ValueError when the change would leave the business without an owner, PermissionError when an admin would make
    or unmake one.
    """
    require_admin(scope)
    user = user_by_email(scope, session, fields.email)
    if user is None:
        action = "user.invited" if state is UserState.INVITED else "user.created"
        return _create(scope, session, fields, state, action), "created"
    given = fields.model_fields_set
    changed: list[str] = []
    if "name" in given and fields.name and fields.name != user.name:
        user.name = fields.name
        changed.append("name")
    if "timezone" in given and fields.timezone != user.timezone:
        user.timezone = fields.timezone
        changed.append("timezone")
    if "role" in given and fields.role != user.role:
        _change_role(scope, session, user, fields.role)
        changed.append("role")
    wishes = _change_preferences(scope, session, user, fields)
    changed += wishes
    if not changed:
        return user, "unchanged"
    session.flush()
    if wishes:
        follow(scope, session, load_people(scope, session, [user.id]), wishes, at=utc_now())
    record(scope, session, "user.updated", str(user.id), fields=changed)
    return user, "updated"


def _change_role(scope: Scope, session: Session, user: User, role: Role) -> None:
    _require_rank(scope, user.role, role)
    owners = [one for one in users(scope, session) if one.role is Role.OWNER and one.gets_mail]
    if user.role is Role.OWNER and owners == [user]:
        raise ValueError(f"{user.email} is the only owner: make somebody else owner first")
    record(scope, session, "user.role_changed", str(user.id), old=user.role.value, new=role.value)
    user.role = role


def _change_preferences(scope: Scope, session: Session, user: User, fields: PersonFields) -> list[str]:
    given = sorted(fields.model_fields_set & _PREFERENCES.keys())
    if not given:
        return []
    stored = stored_preference(scope, session, user.id)
    preference = stored or UserPreference(business_id=scope.business, user_id=user.id)
    changed = [name for name in given if getattr(preference, _PREFERENCES[name]) != getattr(fields, name)]
    for name in changed:
        setattr(preference, _PREFERENCES[name], getattr(fields, name))
    if changed:
        preference.updated_at = utc_now()
        session.add(preference)
    return changed


def create_owner(scope: Scope, email: str, *, name: str | None = None, timezone: str | None = None) -> User:
    """The business's owner, active; somebody already there becomes owner. UserError for a bad field.

    PermissionError for any person who is no owner: this is how the command line makes the first one.
    """
    if scope.role not in {Role.OWNER, Role.SYSTEM, Role.OPERATOR}:
        raise PermissionError(f"a {scope.role.value} makes nobody an owner")
    given = {"email": email, "role": Role.OWNER, "name": name, "timezone": timezone}
    try:
        fields = PersonFields(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise UserError(
            "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
        ) from None
    with writing(scope) as session:
        lock_business(scope, session)
        user, _ = save_person(scope, session, fields, state=UserState.ACTIVE)
        if user.state is not UserState.ACTIVE:
            user.state = UserState.ACTIVE
            record(scope, session, "user.activated", str(user.id))
        return user


def has_owner(scope: Scope) -> bool:
    """Whether somebody owns the business."""
    with reading(scope) as session:
        return any(user.role is Role.OWNER and user.gets_mail for user in users(scope, session))


def import_users(scope: Scope, path: Path) -> PeopleReport:
    """Make and change people from a CSV file; a row with a fault is left out and named, the others go on.

    Only ``email`` is required. An empty cell leaves what is stored. Nobody is removed.
    """
    require_admin(scope)
    names = tuple(PersonFields.model_fields)
    table = read_table(path, required=("email",), optional=names[1:])
    report = PeopleReport(faults=table.faults, notes=table.notes)
    seen: dict[str, int] = {}
    with writing(scope) as session:
        lock_business(scope, session)
        for row in table.rows:
            given = {name: cell for name, cell in row.cells.items() if cell or name == "email"}
            try:
                fields = PersonFields.model_validate(given)
            except ValidationError as error:
                table.validation_faults(row, error, names)
                continue
            first = seen.setdefault(fields.email, row.number)
            if first != row.number:
                table.fault(row, "email", f"{fields.email} stands in row {first} already")
                continue
            try:
                _, outcome = save_person(scope, session, fields)
            except (ValueError, PermissionError) as error:
                table.fault(row, "role", str(error))
                continue
            getattr(report, outcome).append(fields.email)
        counts = {name: len(getattr(report, name)) for name in ("created", "updated", "unchanged")}
        record(scope, session, "users.imported", path.name[:200], refused=len(table.faults), **counts)
    return report
