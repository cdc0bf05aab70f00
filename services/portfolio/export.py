"""The portfolio as a CSV file, with the columns of an import first, so that it can be read back."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from models.audit import record
from models.clients import every_client
from models.engine import reading, writing
from models.scope import Scope
from services.client_import.columns import ASSIGNED_TO, FIELDS
from services.client_import.deciding import words
from services.csvout import csv_bytes
from services.portfolio.page import fields_of
from services.portfolio.table import ClientRow, portfolio_rows

STANDING = (
    *("archived_on", "health", "engagement", "crm_owner", "renewal_on"),
    *("last_event_on", "last_event_category", "last_event_title", "events_30_days", "sources"),
)
"""Columns that an import leaves unused: they tell how things stand."""


def export_clients(scope: Scope, client_ids: Collection[UUID], *, now: datetime | None = None) -> bytes:
    """These clients with all their fields and how they stand, by name. The audit log says who took how many."""
    wanted = set(client_ids)
    rows = {row.id: row for row in portfolio_rows(scope, now=now) if row.id in wanted}
    with reading(scope) as session:
        clients = [client for client in every_client(scope, session) if client.id in rows]
    with writing(scope) as session:
        record(scope, session, "clients.exported", clients=len(clients))
    lines = []
    for client in clients:
        row, fields = rows[client.id], fields_of(client)
        own = [words(getattr(fields, name)) for name in FIELDS if name != ASSIGNED_TO]
        lines.append([*own, "; ".join(person.email for person in row.people), *_standing(row)])
    return csv_bytes((*FIELDS, *STANDING), lines)


def _standing(row: ClientRow) -> list[object]:
    event, standing = row.last_event, row.standing
    return [
        row.archived_at.date().isoformat() if row.archived_at else None,
        standing.health_words if standing else None,
        row.engagement,
        standing.owner if standing else None,
        standing.renewal_on.isoformat() if standing and standing.renewal_on else None,
        event.at.date().isoformat() if event else None,
        event.category.value if event and event.category else None,
        event.title if event else None,
        row.recent_events,
        row.sources.state.value,
    ]
