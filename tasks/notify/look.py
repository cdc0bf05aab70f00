"""What a tenant made of its mails, as the ledger holds it."""

from typing import Any

from sqlmodel import Session, col, select

from models.accounts import Business, BusinessLogo
from models.scope import Scope
from tasks.notify.letter import Look
from tasks.notify.logo import Logo, shown_size


def business_and_look(scope: Scope, session: Session) -> tuple[Business, Look]:
    """The tenant, and its words, colour and logo."""
    query = (
        select(Business, BusinessLogo)
        .outerjoin(BusinessLogo, col(BusinessLogo.business_id) == col(Business.id))
        .where(Business.id == scope.business)
    )
    business, picture = session.exec(query).one()
    return business, look_from(business.appearance, picture)


def look_from(appearance: dict[str, Any], picture: BusinessLogo | None) -> Look:
    """The look of stored fields and a stored picture."""
    return Look.model_validate({**appearance, "logo": logo_from(picture) if picture else None})


def logo_from(picture: BusinessLogo) -> Logo:
    """A stored picture, as it stands in a mail."""
    width, height = shown_size(picture.width, picture.height)
    return Logo.model_validate(
        {"media_type": picture.media_type, "data": picture.image, "width": width, "height": height}
    )
