"""How a tenant's mails look and sound: words, two colours and a logo, never the templates themselves."""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from sqlmodel import Session, select

from models.accounts import Business, BusinessLogo
from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import require_admin
from services.errors import UserError
from services.explain import plain_message
from services.logos import read_picture
from services.mail_html import Inline
from services.sample_letter import sample_letter
from tasks.notify.colour import READABLE, contrast
from tasks.notify.letter import ACCENT, BACKGROUND, Kind
from tasks.notify.logo import Logo
from tasks.notify.look import logo_from, look_from
from tasks.notify.render import Rendered, render
from tasks.notify.safe import clean
from tasks.notify.subject import MAX_FORM, MAX_PREFIX, PLACES

_TEXT_ON_PAGE = "#57616d"
"""The palest of the words that stand on the page itself."""


class LookFields(BaseModel):
    """What may be changed; an empty value is the product's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accent: str = ACCENT
    background: str = BACKGROUND
    subject: str = Field(default="", max_length=MAX_FORM)
    subject_prefix: str = Field(default="", max_length=MAX_PREFIX)
    intro: str = Field(default="", max_length=300)
    footer: str = Field(default="", max_length=300)

    @field_validator("accent", "background")
    @classmethod
    def _colour(cls, value: str, field: ValidationInfo) -> str:
        own = ACCENT if field.field_name == "accent" else BACKGROUND
        colour = value.strip().lower() or own
        if not re.fullmatch(r"#[0-9a-f]{6}", colour):
            raise ValueError(f"{value!r} is no colour: write it as {own}")
        return colour

    @field_validator("subject", "subject_prefix", "intro", "footer")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return clean(value, 300)

    @field_validator("subject")
    @classmethod
    def _known_places(cls, value: str) -> str:
        left = value
        for name in PLACES:
            left = left.replace(f"{{{name}}}", "")
        if re.search(r"[{}]", left):
            raise ValueError(f"in braces stand {', '.join(PLACES)}, and nothing else")
        if value and not re.search(r"\{(headline|date|stories|clients)\}", value):
            raise ValueError("every mail would be called the same: name {headline} or {date} in it")
        return value

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for said, front, ground in (
            (f"{self.accent} is too light for links", self.accent, "#ffffff"),
            (f"{self.background} is too dark for the words on it", _TEXT_ON_PAGE, self.background),
            (f"{self.accent} is too light for links on {self.background}", self.accent, self.background),
        ):
            if (found := contrast(front, ground)) < READABLE:
                raise ValueError(f"{said}: the contrast is {found:.1f}, and {READABLE} is needed")
        return self


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
    """The product's own look again, without a logo."""
    require_admin(scope)
    with writing(scope) as session:
        business = _business(scope, session)
        business.appearance = {}
        session.add(business)
        _take_logo_away(scope, session)
        record(scope, session, "appearance.reset")


def logo_of(scope: Scope) -> Logo | None:
    """The picture at the head of the tenant's mails; None where it has none."""
    with reading(scope) as session:
        stored = _stored_logo(scope, session)
        return logo_from(stored) if stored else None


def set_logo(scope: Scope, data: bytes) -> Logo:
    """Put a picture at the head of all mails that are written from now on, in place of the one there is.

    ``data`` is a PNG or JPEG file within `services.logos`' bounds; UserError says what is wrong with it.
    """
    require_admin(scope)
    picture = read_picture(data)
    facts: dict[str, Any] = {
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
    }
    values = {**facts, "image": picture.data, "updated_at": utc_now()}
    with writing(scope) as session:
        stored = _stored_logo(scope, session) or BusinessLogo(business_id=scope.business, **values)
        session.add(stored.sqlmodel_update(values))
        record(scope, session, "appearance.logo_set", **facts, bytes=len(picture.data))
        return logo_from(stored)


def remove_logo(scope: Scope) -> bool:
    """The business's name in place of its logo again; False when there was none."""
    require_admin(scope)
    with writing(scope) as session:
        removed = _take_logo_away(scope, session)
        if removed:
            record(scope, session, "appearance.logo_removed")
    return removed


def preview(scope: Scope, kind: Kind, changes: Mapping[str, object] | None = None) -> Rendered:
    """A mail of invented news in the tenant's look, with ``changes`` that are not stored.

    Its page holds the logo itself, so that it can be shown by a browser; in a mail the two travel side by side.
    """
    with reading(scope) as session:
        business, stored = _business(scope, session), _stored_logo(scope, session)
    look = look_from(_checked({**business.appearance, **(changes or {})}).model_dump(), stored)
    rendered = render(sample_letter(kind, business.name, look))
    if look.logo is None:
        return rendered
    shown = Inline(look.logo.media_type, look.logo.data).uri
    return rendered.model_copy(update={"html": rendered.html.replace(f"cid:{look.logo.content_id}", shown)})


def _stored_logo(scope: Scope, session: Session) -> BusinessLogo | None:
    return session.exec(select(BusinessLogo)).first()


def _take_logo_away(scope: Scope, session: Session) -> bool:
    stored = _stored_logo(scope, session)
    if stored is not None:
        session.delete(stored)
    return stored is not None


def _checked(values: Mapping[str, Any]) -> LookFields:
    try:
        return LookFields.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "colours"
        if first["type"] == "extra_forbidden":
            known = ", ".join(LookFields.model_fields)
            raise UserError(f"{where!r} is nothing that can be set", f"the names are: {known}") from None
        raise UserError(f"{where}: {plain_message(first['msg'])}", "correct it and try again") from None


def _business(scope: Scope, session: Session) -> Business:
    return session.exec(select(Business).where(Business.id == scope.business)).one()
