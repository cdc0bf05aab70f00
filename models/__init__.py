"""Tables, the queries that belong to each table, engine and session, settings, migrations.

Importing this package registers every table on ``SQLModel.metadata``; it reads no environment and opens nothing.
"""

from models import (
    access,
    accounts,
    ai,
    alerts,
    audit,
    clients,
    crm,
    events,
    feedback,
    jobs,
    leases,
    limits,
    mail,
    marks,
    news,
    patterns,
    providers,
    returns,
    signin,
)

__all__ = [
    "access",
    "accounts",
    "ai",
    "alerts",
    "audit",
    "clients",
    "crm",
    "events",
    "feedback",
    "jobs",
    "leases",
    "limits",
    "mail",
    "marks",
    "news",
    "patterns",
    "providers",
    "returns",
    "signin",
]
