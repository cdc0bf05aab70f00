"""Which mails somebody asks for, and which of those they may see."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import User, users
from models.mail import Delivery, DeliveryKind, DeliveryState
from models.mail_log import MailsWanted, Word, mail_by_id, mails_by_message_id
from models.scope import Scope
from services.accounts import is_admin
from services.email_log.shown import is_own

_MOST_WORDS = 6
_MOST_PEOPLE = 50
_OF_ID = re.compile(r"[@<>.]|^[0-9a-f]{6,}$", re.IGNORECASE)


class LogFilter(BaseModel):
    """Which mails to show; what is empty asks for nothing. Days are those of ``timezone``, both included."""

    model_config = ConfigDict(frozen=True)

    states: tuple[DeliveryState, ...] = ()
    kinds: tuple[DeliveryKind, ...] = ()
    person: UUID | None = None
    first: date | None = None
    last: date | None = None
    timezone: str = "UTC"
    text: str = ""
    """A mail's id, a Message-ID, the address of somebody here, or words that all stand in the subject, in name or
    address of a reader, or in an address or Message-ID that is written like one."""

    @property
    def asks_for_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.states or self.kinds or self.person or self.first or self.last or self.text.strip())


@dataclass(frozen=True, slots=True)
class Asked:
    """A filter as it is answered: by a query, or, where the text names mails, by those that the rest lets through."""

    query: MailsWanted
    named: list[Delivery] | None = None


def asked(scope: Scope, session: Session, wanted: LogFilter) -> Asked:
    """What the filter comes to for who asks. PermissionError for other people's mail, unless an admin asks."""
    person = _person(scope, wanted.person)
    base = MailsWanted(
        states=wanted.states,
        kinds=wanted.kinds,
        user_id=person,
        since=_midnight(wanted.first, wanted.timezone),
        until=_midnight(wanted.last + timedelta(days=1) if wanted.last else None, wanted.timezone),
    )
    text = wanted.text.strip()
    if not text:
        return Asked(base)
    named = _named(scope, session, text)
    if named:
        return Asked(base, [mail for mail in named if may_see(scope, mail) and _is_within(mail, base)])
    people = users(scope, session) if is_admin(scope) else []
    reader = next((one.id for one in people if one.email == text.lower()), None)
    if reader is not None and person in (None, reader):
        return Asked(replace(base, user_id=reader))
    words = tuple(_word(word, people) for word in dict.fromkeys(text.split()[:_MOST_WORDS]))
    return Asked(replace(base, words=words))


def may_see(scope: Scope, mail: Delivery) -> bool:
    """Whether the mail is who asks' own, or they may see everybody's."""
    return is_admin(scope) or is_own(scope, mail)


def _person(scope: Scope, person: UUID | None) -> UUID | None:
    if is_admin(scope):
        return person
    if scope.user_id is None or person not in (None, scope.user_id):
        raise PermissionError(f"a {scope.role.value} may see their own mail only")
    return scope.user_id


def _midnight(day: date | None, timezone: str) -> datetime | None:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC) if day else None


def _named(scope: Scope, session: Session, text: str) -> list[Delivery]:
    try:
        mail = mail_by_id(scope, session, UUID(text))
        return [mail] if mail else []
    except ValueError:
        pass
    if not re.fullmatch(r"<?[^\s<>@]+@[^\s<>@]+>?", text):
        return []
    return mails_by_message_id(scope, session, {text, f"<{text.strip('<>')}>"})


def _is_within(mail: Delivery, wanted: MailsWanted) -> bool:
    return (
        (not wanted.states or mail.state in wanted.states)
        and (not wanted.kinds or mail.kind in wanted.kinds)
        and wanted.user_id in (None, mail.user_id)
        and (wanted.since is None or mail.created_at >= wanted.since)
        and (wanted.until is None or mail.created_at < wanted.until)
    )


def _word(text: str, people: Sequence[User]) -> Word:
    folded = text.casefold()
    meant = tuple(user.id for user in people if folded in user.name.casefold() or folded in user.email)
    # Whom everybody is called tells nobody apart.
    return Word(text, meant if len(meant) <= _MOST_PEOPLE else (), is_part_of_id=bool(_OF_ID.search(text)))
