"""How a tenant's mails look and sound: words and one colour, never the templates themselves."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session, select

from models.accounts import Business
from models.audit import record
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import require_admin
from services.errors import UserError
from services.explain import plain_message
from services.sample_letter import sample_letter
from tasks.notify.colour import READABLE, contrast
from tasks.notify.letter import ACCENT, Kind, Look
from tasks.notify.render import Rendered, render
from tasks.notify.safe import clean
from tasks.notify.subject import MAX_PREFIX

_ON_PAGE = "#f2f4f6"
"""The darkest ground that links lie on in the light templates."""


class LookFields(BaseModel):
    """What may be changed; an empty value is the product's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accent: str = ACCENT
    subject_prefix: str = Field(default="", max_length=MAX_PREFIX)
    intro: str = Field(default="", max_length=300)
    footer: str = Field(default="", max_length=300)

    @field_validator("accent")
    @classmethod
    def _readable(cls, value: str) -> str:
        colour = value.strip().lower() or ACCENT
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise ValueError(f"{value!r} is no colour: write it as #0a5394")
        if (found := contrast(colour, _ON_PAGE)) < READABLE:
            raise ValueError(
                f"{colour} is too light for links: its contrast is {found:.1f}, and {READABLE} is needed"
            )
        return colour

    @field_validator("subject_prefix", "intro", "footer")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return clean(value, 300)


def look_of(scope: Scope) -> LookFields:
    """The tenant's look, with the product's own where it chose nothing."""
    with reading(scope) as session:
        return LookFields.model_validate(_business(scope, session).appearance)


def change_look(scope: Scope, changes: Mapping[str, object]) -> LookFields:
    """Set the named fields and return the whole. UserError names the field that is wrong."""
    require_admin(scope)
    with writing(scope) as session:
        business = _business(scope, session)
        looks = _checked({**business.appearance, **changes})
        business.appearance = looks.model_dump(exclude_defaults=True)
        session.add(business)
        record(scope, session, "appearance.changed", fields=sorted(changes))
    return looks


def reset_look(scope: Scope) -> None:
    """The product's own look again."""
    require_admin(scope)
    with writing(scope) as session:
        business = _business(scope, session)
        business.appearance = {}
        session.add(business)
        record(scope, session, "appearance.reset")


def preview(scope: Scope, kind: Kind, changes: Mapping[str, object] | None = None) -> Rendered:
    """A mail of invented news in the tenant's look, with ``changes`` that are not stored."""
    with reading(scope) as session:
        business = _business(scope, session)
    looks = _checked({**business.appearance, **(changes or {})})
    return render(sample_letter(kind, business.name, Look(**looks.model_dump())))


def _checked(values: Mapping[str, Any]) -> LookFields:
    try:
        return LookFields.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(LookFields.model_fields)
            raise UserError(f"{where!r} is nothing that can be set", f"the names are: {known}") from None
        raise UserError(f"{where}: {plain_message(first['msg'])}", "correct it and try again") from None


def _business(scope: Scope, session: Session) -> Business:
    return session.exec(select(Business).where(Business.id == scope.business)).one()
