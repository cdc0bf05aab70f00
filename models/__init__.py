"""Tables, the queries that belong to each table, engine and session, settings, migrations.

Importing this package registers every table on ``SQLModel.metadata``; it reads no environment and opens nothing.
"""

from models import (
    accounts,
    ai,
    audit,
    clients,
    crm,
    events,
    feedback,
    jobs,
    leases,
    limits,
    mail,
    news,
    patterns,
    providers,
    returns,
)

__all__ = [
    "accounts",
    "ai",
    "audit",
    "clients",
    "crm",
    "events",
    "feedback",
    "jobs",
    "leases",
    "limits",
    "mail",
    "news",
    "patterns",
    "providers",
    "returns",
]
