"""Alerts: what is wrong is opened once, told once, and closed with a word when it is over.

``watch`` is one tick's look at one tenant. Nothing here asks the network but the operator's own webhook and heartbeat.
"""

from services.alerts.heartbeat import beat
from services.alerts.listing import AlertLine, list_alerts
from services.alerts.watching import watch

__all__ = ["AlertLine", "beat", "list_alerts", "watch"]
