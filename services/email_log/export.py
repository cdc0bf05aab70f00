"""The email log as a file for spreadsheets, made a piece at a time."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from models.audit import record
from models.engine import reading, writing
from models.mail_log import MailPage, Place, mail_page
from models.scope import Scope
from services.accounts import is_admin
from services.csvout import csv_pieces
from services.email_log.filters import Asked, LogFilter, asked
from services.email_log.shown import MailLine, lines_of

EXPORTED_AT_MOST = 100_000
_CHUNK = 1_000
_COLUMNS = (
    "planned (UTC)",
    "sent (UTC)",
    "status",
    "kind",
    "channel",
    "recipient",
    "person",
    "subject",
    "items",
    "retries",
    "last error",
    "message id",
    "provider id",
    "id",
)
EXPORTED = "mail.exported"


def mails_csv(scope: Scope, wanted: LogFilter | None = None) -> Iterator[bytes]:
    """The mails that are wanted, newest first, as the pieces of one CSV file; a last line says so where it was cut off
    at ``EXPORTED_AT_MOST``. Others' mails make a line of the audit log, before the first piece.

    PermissionError as for the log.
    """
    wanted = wanted or LogFilter()
    with reading(scope) as session:
        query = asked(scope, session, wanted)
    if is_admin(scope):
        with writing(scope) as session:
            # Which mails, not what was searched for: words of a search may name anybody.
            chosen = wanted.model_dump(mode="json", exclude_defaults=True, exclude={"text"})
            record(scope, session, EXPORTED, **chosen)
    return csv_pieces(_COLUMNS, _batches(scope, query))


def _batches(scope: Scope, query: Asked) -> Iterator[list[tuple[object, ...]]]:
    before: Place | None = None
    for _ in range(EXPORTED_AT_MOST // _CHUNK):
        with reading(scope) as session:
            page = _page(scope, session, query, before)
            lines = lines_of(scope, session, page.mails)
        yield [_row(line) for line in lines]
        before = page.next
        if before is None:
            return
    yield [(f"Cut off here after {EXPORTED_AT_MOST:,} mails: narrow the filter for the rest.",)]


def _page(scope: Scope, session: Session, query: Asked, before: Place | None) -> MailPage:
    if query.named is not None:
        return MailPage(query.named)
    return mail_page(scope, session, query.query, before=before, limit=_CHUNK)


def _row(line: MailLine) -> tuple[object, ...]:
    return (
        _at(line.planned_at),
        _at(line.sent_at),
        line.state.value,
        line.kind.value,
        line.channel.value,
        line.recipient,
        line.person,
        line.subject,
        line.items,
        line.retries,
        line.last_error,
        line.message_id,
        line.provider_id,
        str(line.id),
    )


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
