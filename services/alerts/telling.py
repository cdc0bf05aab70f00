"""Who is told of an alert: the tenant's owners and admins by mail, the operator by a webhook that needs no mail.

Each is told once of its beginning and once of its end. What is told is written down after it was, so a process that is
killed in between tells it again: a mail not, because its cause has one slot; the webhook perhaps twice.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import col, select

from models.accounts import Business, User, users
from models.alerts import Alert, unmailed, unposted
from models.engine import reading, writing
from models.mail import DeliveryKind
from models.scope import Role, Scope
from models.settings import Settings
from services.alerts.words import headline, mend, runbook
from tasks.net.faults import FetchError
from tasks.net.http import Http
from tasks.notify.notices import post
from tasks.notify.windows import zone_of

LOG = logging.getLogger(__name__)
WORTH_POSTING = timedelta(days=1)
"""An alert that began and ended while the webhook was away is told for so long."""
AT_ONCE = 20
"""Posts a tick at the most: a webhook that is back after a long time must not keep mail waiting."""
_ADMINS = (Role.OWNER, Role.ADMIN)


def mail_alerts(scope: Scope, settings: Settings, now: datetime) -> int:
    """Put into the outbox what was not mailed yet; how many alerts that were."""
    with reading(scope) as session:
        pending = unmailed(scope, session)
        people = [person for person in users(scope, session) if person.gets_mail] if pending else []
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
    for alert in pending:
        for person in people:
            if person.role in _ADMINS or person.id == alert.owner_id:
                _mail(scope, settings, business, alert, person, now)
        _told(scope, alert, mailed_at=now) if alert.closed_at is None else _told(
            scope, alert, end_mailed_at=now
        )
    return len(pending)


def _mail(
    scope: Scope, settings: Settings, business: Business, alert: Alert, person: User, now: datetime
) -> None:
    zone = zone_of(person.timezone) or ZoneInfo("UTC")
    began = f"{alert.opened_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    where = runbook(alert.kind, settings.runbook_url)
    body: tuple[str, ...]
    if alert.closed_at is None:
        cause = f"alert:{alert.id}"
        body = (
            alert.detail,
            f"Noticed {began}.",
            f"What to do: {mend(alert, business.slug)}",
            f"More: {where}",
        )
    else:
        cause = f"alert:{alert.id}:over"
        ended = f"{alert.closed_at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        body = (
            f"It was noticed {began}, and is not so any more since {ended}.",
            f"What it was: {alert.detail}",
        )
    post(
        scope,
        person,
        DeliveryKind.ALERT,
        cause,
        heading=headline(alert),
        body=body,
        at=now,
        action=("What to do", where) if settings.runbook_url and alert.closed_at is None else None,
    )


def post_alerts(scope: Scope, settings: Settings, http: Http, now: datetime) -> str:
    """Post to the webhook what it has not taken yet; why it took no more, or "". The next tick tries again.

    The address is the operator's own, so it may be private; it is never shown.
    """
    if settings.alert_webhook is None:
        return ""
    with reading(scope) as session:
        pending = unposted(scope, session, now - WORTH_POSTING)
        business = session.exec(select(Business).where(Business.id == scope.business)).one()
    for alert, is_end in _steps(pending)[:AT_ONCE]:
        try:
            http.fetch(
                settings.alert_webhook.get_secret_value(),
                method="POST",
                json=_message(alert, business.slug, settings, is_end=is_end),
                allow_private=True,
                attempts=1,
            )
        except FetchError as error:
            said = str(error)
            _told(scope, alert, post_error=said[:500])
            LOG.warning("alert webhook: %s", said)
            return f"alert webhook: {said}"
        column = "end_posted_at" if is_end else "posted_at"
        _told(scope, alert, post_error="", **{column: now})
    return ""


def _steps(pending: Iterable[Alert]) -> list[tuple[Alert, bool]]:
    """What is to be posted in which order: an alert's beginning before its end."""
    steps = []
    for alert in pending:
        if alert.posted_at is None:
            steps.append((alert, False))
        if alert.closed_at is not None:
            steps.append((alert, True))
    return steps


def _message(alert: Alert, business: str, settings: Settings, *, is_end: bool) -> dict[str, Any]:
    said = headline(alert if is_end else alert.model_copy(update={"closed_at": None}))
    return {
        # A chat's incoming webhook shows this field and leaves the others out.
        "text": f"{business}: {said}. {alert.detail}",
        "id": str(alert.id),
        "business": business,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "detail": alert.detail,
        "state": "over" if is_end else "open",
        "since": alert.opened_at.astimezone(UTC).isoformat(),
        "until": alert.closed_at.astimezone(UTC).isoformat() if is_end and alert.closed_at else None,
        "runbook": runbook(alert.kind, settings.runbook_url),
    }


def _told(scope: Scope, alert: Alert, **values: object) -> None:
    with writing(scope) as session:
        session.exec(
            update(Alert)
            .where(col(Alert.id) == alert.id)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
