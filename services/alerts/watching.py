"""One tick's look at a tenant: what is wrong now is opened, what is not so any more is closed, and both are told."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from models.accounts import Business
from models.alerts import Alert, open_alerts
from models.engine import insert_rows, reading, writing
from models.scope import Scope
from models.settings import get_settings
from services.alerts.telling import mail_alerts, post_alerts
from services.alerts.troubles import Trouble, troubles
from tasks.net.http import Http
from tasks.plan import StageReport

LOG = logging.getLogger(__name__)


def watch(scope: Scope, now: datetime, *, http: Http | None = None) -> StageReport:
    """Look at the tenant and tell what changed: counts ``opened``, ``closed``, ``told`` and ``open``, where any are.

    What begins is told from the second look on that finds it. ``done`` is how many alerts began, ended or were told by
    mail, which is in the outbox then. A webhook that does not take its message is in ``degraded``. The demo's people
    are invented: nobody is told of it.
    """
    settings = get_settings()
    with reading(scope) as session:
        is_demo = session.exec(select(Business.is_demo).where(Business.id == scope.business)).one()
    if is_demo:
        return StageReport(stage="watch")
    found = troubles(scope, now)
    with writing(scope) as session:
        opened, closed = _keep(scope, session, found, now)
    for alert, what in (*((one, "opened") for one in opened), *((one, "over") for one in closed)):
        LOG.warning("alert %s: %s %s: %s", what, alert.kind.value, alert.subject, alert.detail)
    told = mail_alerts(scope, settings, now)
    said = _post(scope, now, http)
    counts = {"opened": len(opened), "closed": len(closed), "told": told, "open": len(found)}
    return StageReport(
        stage="watch",
        done=len(opened) + len(closed) + told,
        counts={name: count for name, count in counts.items() if count},
        degraded=(said,) if said else (),
    )


def _post(scope: Scope, now: datetime, http: Http | None) -> str:
    settings = get_settings()
    if http is not None:
        return post_alerts(scope, settings, http, now)
    with Http(settings) as own:
        return post_alerts(scope, settings, own, now)


def _keep(
    scope: Scope, session: Session, found: Sequence[Trouble], now: datetime
) -> tuple[list[Alert], list[Alert]]:
    """Bring the table in step with what was found: the alerts that began, and those that ended."""
    wrong = {(one.kind, one.subject): one for one in found}
    known = {(row.kind, row.subject): row for row in open_alerts(scope, session)}
    for key, row in known.items():
        if key in wrong:
            row.seen_at, row.detail, row.owner_id = now, wrong[key].detail, wrong[key].owner_id
            session.add(row)
    session.flush()
    fresh = [_row(one, now) for key, one in wrong.items() if key not in known]
    # Two ticks at once: one of them opens it, and one closes it.
    made = insert_rows(session, Alert, fresh, ignore_conflicts=True, returning=("id",))
    ended = session.exec(
        update(Alert)
        .where(
            col(Alert.closed_at).is_(None),
            col(Alert.id).in_([row.id for key, row in known.items() if key not in wrong]),
        )
        .values(closed_at=now)
        .returning(col(Alert.id))
        .execution_options(synchronize_session=False)
    )
    over = [row[0] for row in ended]
    return _of(session, [row["id"] for row in made]), _of(session, over)


def _of(session: Session, ids: Sequence[UUID]) -> list[Alert]:
    query = select(Alert).where(col(Alert.id).in_(ids)).order_by(col(Alert.id))
    return list(session.exec(query.execution_options(populate_existing=True)))


def _row(trouble: Trouble, now: datetime) -> dict[str, Any]:
    return {
        "kind": trouble.kind,
        "subject": trouble.subject,
        "detail": trouble.detail,
        "owner_id": trouble.owner_id,
        "opened_at": now,
        "seen_at": now,
        "post_error": "",
    }
