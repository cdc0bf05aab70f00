"""The email log: who was written to, when, about what, how that went. Own mail for everybody, all of it for admins."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.accounts import users
from models.engine import reading
from models.mail import DeliveryState
from models.mail_log import MailPage, MailsWanted, count_up_to, mail_page
from models.scope import Scope
from services.accounts import is_admin
from services.email_log.detail import ITEMS, Item, MailDetail, Moment, mail_detail
from services.email_log.export import EXPORTED_AT_MOST, mails_csv
from services.email_log.filters import LogFilter, asked
from services.email_log.shown import MailLine, Met, agrees, lines_of
from services.engagement import tracks
from services.keyset import mark, place

__all__ = [
    "COUNTED_TO",
    "EXPORTED_AT_MOST",
    "ITEMS",
    "PAGE",
    "Item",
    "LogFilter",
    "LogPage",
    "LogStanding",
    "MailDetail",
    "MailLine",
    "Met",
    "Moment",
    "Reader",
    "log_page",
    "log_standing",
    "mail_detail",
    "mails_csv",
]

PAGE = 25
MAX_PAGE = 200
COUNTED_TO = 100
"""Nothing is counted further: a larger number says no more."""


class LogPage(BaseModel):
    """A part of the log, newest first."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[MailLine, ...]
    next: str
    """What to ask for the page of older mails with; empty on the last page."""
    searched_back_to: str = ""
    """An instant (ISO 8601): words were looked for in mails planned since then, and ``next`` goes on from there."""


class Reader(BaseModel):
    """Somebody whose mails one can ask for."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    email: str


class LogStanding(BaseModel):
    """What the log's page says beside the list."""

    model_config = ConfigDict(frozen=True)

    sees_all: bool
    readers: tuple[Reader, ...]
    """Everybody, by address, for who sees all; nobody else."""
    failed: int
    unknown: int
    """Mails in this state, counted up to ``COUNTED_TO``; 0 for who sees only their own."""
    tracks: bool
    agrees: bool
    """Whether who asks agreed to opens and clicks under their name."""


def log_page(scope: Scope, wanted: LogFilter | None = None, *, after: str = "", limit: int = PAGE) -> LogPage:
    """A page of the log. PermissionError for other people's mail, unless an admin asks; UserError for an ``after``
    that no page gave."""
    limit = max(1, min(limit, MAX_PAGE))
    before = place(after)
    with reading(scope) as session:
        query = asked(scope, session, wanted or LogFilter())
        if query.named is not None:
            page = MailPage(query.named[:limit])
        else:
            page = mail_page(scope, session, query.query, before=before, limit=limit)
        return LogPage(
            lines=tuple(lines_of(scope, session, page.mails)),
            next=mark(*page.next) if page.next else "",
            searched_back_to=page.stopped_at.isoformat() if page.stopped_at else "",
        )


def log_standing(scope: Scope) -> LogStanding:
    """Whose mails may be asked for, what needs somebody, and what is known of opens and clicks."""
    sees_all = is_admin(scope)
    with reading(scope) as session:
        people = users(scope, session) if sees_all else []
        failed, unknown = (
            count_up_to(scope, session, MailsWanted(states=(state,)), COUNTED_TO) if sees_all else 0
            for state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)
        )
        return LogStanding(
            sees_all=sees_all,
            readers=tuple(Reader(id=one.id, name=one.name, email=one.email) for one in people),
            failed=failed,
            unknown=unknown,
            tracks=tracks(scope, session),
            agrees=agrees(scope, session),
        )
