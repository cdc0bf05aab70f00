"""A sample of one's own mail, on asking: the newest that the settings would have brought, else one of invented news."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from models.accounts import Business, User
from models.base import utc_now
from models.engine import reading
from models.mail import Delivery, DeliveryKind
from models.scope import Scope
from models.settings import get_settings
from services.errors import UserError
from services.muting import Exceptional
from services.preview import sample
from services.sample_letter import sample_letter
from services.sending import current_hold
from tasks.filter.facts import load_people
from tasks.notify.letter import Letter, Look
from tasks.notify.look import business_and_look
from tasks.notify.notices import post_letter

A_DAY = 5
"""Samples a person may have in 24 hours."""
_CAUSE = "sample:"
_PREFIX = "[Sample]"


@dataclass(frozen=True, slots=True)
class SampleSent:
    """A sample that is in the outbox."""

    recipient: str
    is_invented: bool
    """There was no mail to show, so its news is made up."""
    is_held: bool
    """Nothing goes out at present: it waits until sending is released."""


def send_sample(
    scope: Scope,
    changes: Mapping[str, object] | None = None,
    *,
    exceptions: Mapping[UUID, Exceptional] | None = None,
    now: datetime | None = None,
) -> SampleSent:
    """Put the mail that ``services.preview`` shows for these settings into the outbox, for the scope's person.

    One a minute and ``A_DAY`` a day: asking twice in a minute is asking once. UserError when that is reached, when the
    address may not be written to, or in a demo; PermissionError for nobody.
    """
    at = now or utc_now()
    if scope.user_id is None:
        raise PermissionError("a sample goes to a person: say whom")
    shown = sample(scope, scope.user_id, changes, exceptions=exceptions, now=at)
    with reading(scope) as session:
        business, look = business_and_look(scope, session)
        person = _reachable(scope, session, scope.user_id, business)
        cause = f"{_CAUSE}{at:%Y-%m-%dT%H:%MZ}"
        _refuse_more(session, person.id, at, but=cause)
    letter = shown.letter or sample_letter("daily", business.name, look)
    post_letter(scope, person, DeliveryKind.SYSTEM, cause, _as_sample(letter, person, look), at=at)
    return SampleSent(person.email, shown.letter is None, current_hold(scope) is not None)


def _reachable(scope: Scope, session: Session, user_id: UUID, business: Business) -> User:
    if business.is_demo:
        raise UserError("the demo mails nobody", "the preview on this page shows the mail")
    people = load_people(scope, session, [user_id])
    refused = people.unreachable(user_id, DeliveryKind.SYSTEM)
    if refused is not None:
        raise UserError(f"no mail may go to you: {refused.sentence}", "ask an admin to lift that")
    return people.users[user_id]


def _refuse_more(session: Session, user_id: UUID, at: datetime, *, but: str) -> None:
    lately = select(Delivery.id).where(
        Delivery.user_id == user_id,
        Delivery.kind == DeliveryKind.SYSTEM,
        col(Delivery.slot).startswith(_CAUSE),
        Delivery.slot != but,
        col(Delivery.created_at) > at - timedelta(days=1),
    )
    if len(session.exec(lately.limit(A_DAY)).all()) >= A_DAY:
        raise UserError(
            f"you had {A_DAY} samples in the last 24 hours", "the preview on this page shows the mail too"
        )


def _as_sample(letter: Letter, person: User, look: Look) -> Letter:
    """Marked as one, with links that only read: nothing said of a sample counts."""
    app_url = get_settings().public_url.rstrip("/")
    sections = tuple(
        section.model_copy(
            update={"items": tuple(item.model_copy(update={"links": None}) for item in section.items)}
        )
        for section in letter.sections
    )
    prefix = f"{_PREFIX} {look.subject_prefix}".strip()
    return letter.model_copy(
        update={
            "recipient_name": person.name,
            "recipient_email": person.email,
            "sections": sections,
            "app_url": app_url,
            "preferences_url": f"{app_url}/preferences",
            "unsubscribe_url": "",
            "look": look.model_copy(update={"subject_prefix": prefix}),
        }
    )
