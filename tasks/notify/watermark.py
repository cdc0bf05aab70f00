"""The newest mail that left this machine, remembered beside the database: who finds it missing there was put back.

An older copy of the database would send again what it does not know was sent. So the outbox remembers in a file, and a
database that does not have that mail stops the tenant's sending until a person releases it. It is a second line:
``client-monitor restore`` holds by itself, and a data folder that was put back whole has an old file as well.
"""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import Session, select

from models.engine import reading, writing
from models.folders import private_folder
from models.mail import Delivery
from models.scope import Scope
from models.settings import Settings
from tasks.notify.hold import RELEASED, newest, set_hold

FILE = "outbox.last.json"
_REASON = "the database does not know the newest mail that was sent: an older copy was put back"


def remember(settings: Settings, scope: Scope, delivery_id: UUID, at: datetime) -> None:
    """Note that this mail was handed over. A folder that cannot be written costs the check, never the mail."""
    path = settings.data_dir / FILE
    with suppress(OSError):
        private_folder(path.parent)
        noted = _read(path) | {str(scope.business): {"delivery": str(delivery_id), "at": at.isoformat()}}
        # A name of its own: two processes may write at once, and then either's note will do.
        draft = path.with_name(f".{FILE}.{uuid4().hex[:8]}.tmp")
        try:
            draft.write_text(json.dumps(noted), encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def hold_if_put_back(settings: Settings, scope: Scope) -> None:
    """Stop the tenant's sending when its database has lost a mail that was sent, unless it was released since."""
    noted = _noted(settings.data_dir / FILE, scope)
    if noted is None:
        return
    with reading(scope) as session:
        if _is_known(scope, session, *noted):
            return
    with writing(scope) as session:
        set_hold(scope, session, held=True, reason=_REASON)


def _is_known(scope: Scope, session: Session, delivery_id: UUID, at: datetime) -> bool:
    if session.exec(select(Delivery.id).where(Delivery.id == delivery_id)).first() is not None:
        return True
    released = newest(scope, session, RELEASED)
    return released is not None and released.created_at >= at


def _noted(path: Path, scope: Scope) -> tuple[UUID, datetime] | None:
    try:
        note = _read(path)[str(scope.business)]
        return UUID(note["delivery"]), datetime.fromisoformat(note["at"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
