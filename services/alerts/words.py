"""What an alert is called, what to do about it, and where the runbook says more: one section a kind."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.alerts import Alert, AlertKind

RUNBOOK = "docs/runbook.md"


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    """Also the heading of its section in the runbook."""
    mend: str
    """The first thing to do; ``{business}`` stands for the tenant's slug."""


WORDS: Mapping[AlertKind, Words] = {
    AlertKind.SOURCE_DOWN: Words(
        "Source down",
        "Mend what the error says, then ask it again: client-monitor providers test NAME --business {business}",
    ),
    AlertKind.SILENT_DAYS: Words(
        "Silent days",
        "See whether runs end well and what the sources answered: client-monitor status --business {business}",
    ),
    AlertKind.OUTBOX_STUCK: Words(
        "Outbox stuck",
        "See what each mail says, and mend that: client-monitor mail list --business {business}",
    ),
    AlertKind.BUDGET_SPENT: Words(
        "Budget spent",
        "Nothing is lost: the rules decide until the next period. What was spent, and the limits: "
        "client-monitor spend --business {business}",
    ),
    AlertKind.SCHEDULE_DISABLED: Words(
        "Schedule disabled",
        "Mend what the error says, run it once by hand, then switch the schedule on again.",
    ),
    AlertKind.RUNS_LATE: Words(
        "Runs late",
        "Look whether Prefect answers and a worker is online: client-monitor doctor",
    ),
}


def headline(alert: Alert) -> str:
    """ "Source down: tavily"; of one that is over: "Over: Source down: tavily"."""
    title = WORDS[alert.kind].title
    said = f"{title}: {alert.subject}" if alert.subject else title
    return said if alert.closed_at is None else f"Over: {said}"


def mend(alert: Alert, business: str) -> str:
    """What to do about it first."""
    return WORDS[alert.kind].mend.format(business=business)


def runbook(kind: AlertKind, address: str) -> str:
    """Where its section of the runbook is: below ``address``, or in our own documents where that is empty."""
    return f"{address or RUNBOOK}#{kind.value.replace('_', '-')}"
