"""What the last look for troubles found, and whether somebody outside hears of it."""

from datetime import timedelta

from models.alerts import unposted
from models.clock import Clock
from models.engine import get_engine, reading
from models.schema import revisions
from models.scope import Scope
from models.settings import Settings
from services.accounts import every_business
from services.alerts import list_alerts
from services.doctor.checks import Check
from services.setup import is_set_up

_FAR_BACK = timedelta(days=1)


def check_alerts(settings: Settings, clock: Clock) -> list[Check]:
    """Open alerts of every business and a webhook that does not take them; nothing where there is no database yet."""
    if not is_set_up():
        return []
    current, newest = revisions(get_engine())
    if current != newest:
        return []  # check_database says so
    checks = []
    for business in every_business():
        scope = Scope.system(business.id)
        for alert in list_alerts(scope, now=clock.now()):
            said = (
                f"{business.slug}: {alert.headline}, since {alert.since:%Y-%m-%d %H:%M} UTC. {alert.detail}"
            )
            checks.append(Check.warning("alerts", said, f"{alert.mend} ({alert.runbook})"))
        if settings.alert_webhook is not None:
            checks += _webhook(scope, business.slug, clock)
    return checks or [Check.ok("alerts", "none is open")]


def _webhook(scope: Scope, slug: str, clock: Clock) -> list[Check]:
    with reading(scope) as session:
        refused = [row for row in unposted(scope, session, clock.now() - _FAR_BACK) if row.post_error]
    if not refused:
        return []
    message = f"{slug}: the webhook did not take {len(refused)} of them: {refused[-1].post_error}"
    return [Check.warning("alerts", message, "correct CM_ALERT_WEBHOOK; each tick tries again")]
