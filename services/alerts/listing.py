"""The alerts as a person reads them."""

from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlmodel import select

from models.accounts import Business
from models.alerts import Alert, alerts_since
from models.base import utc_now
from models.engine import reading
from models.scope import Scope
from models.settings import Settings, get_settings
from services.accounts import is_admin
from services.alerts.words import headline, mend, runbook


class AlertLine(BaseModel):
    """One alert: what, since when, what to do."""

    kind: str
    subject: str
    headline: str
    detail: str
    since: datetime
    until: datetime | None
    """None: it is so now."""
    mend: str
    runbook: str
    not_posted: str
    """Why the operator's webhook does not know of it; "" when it does or there is none."""


def list_alerts(scope: Scope, *, days: int = 0, now: datetime | None = None) -> list[AlertLine]:
    """What is wrong now, and what was over within so many days, newest first. For those who administer the tenant."""
    if not is_admin(scope):
        raise PermissionError(f"a {scope.role.value} may not see what is wrong with the deployment")
    at, settings = now or utc_now(), get_settings()
    with reading(scope) as session:
        slug = session.exec(select(Business.slug).where(Business.id == scope.business)).one()
        found = alerts_since(scope, session, at - timedelta(days=days))
    return [_line(alert, slug, settings) for alert in found if days or alert.closed_at is None]


def _line(alert: Alert, slug: str, settings: Settings) -> AlertLine:
    return AlertLine(
        kind=alert.kind.value,
        subject=alert.subject,
        headline=headline(alert),
        detail=alert.detail,
        since=alert.opened_at,
        until=alert.closed_at,
        mend=mend(alert, slug),
        runbook=runbook(alert.kind, settings.runbook_url),
        not_posted=alert.post_error if settings.alert_webhook is not None else "",
    )
