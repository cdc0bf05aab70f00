"""CRM fields that a tenant lets a classifier see. Without a list of its own it sees none."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlmodel import Session

from models.crm import latest_snapshots
from models.scope import Scope

MAY_BE_SENT = ("tier", "health", "renewal_on")
"""No figures that change from day to day, for which every story would be asked about anew, and no person's name."""


def read_fields(typed: str) -> list[str]:
    """Names of CRM fields separated by blanks or commas; ValueError for one that is never sent."""
    names = typed.replace(",", " ").split()
    for name in names:
        if name not in MAY_BE_SENT:
            raise ValueError(f"of {', '.join(MAY_BE_SENT)}, not {name!r}")
    return list(dict.fromkeys(names))


def crm_facts(
    scope: Scope, session: Session, client_ids: Collection[UUID], fields: Collection[str]
) -> Mapping[UUID, Mapping[str, str]]:
    """Client id → the allowed fields that the CRM's last snapshot has. Invented ones are no facts."""
    wanted = [name for name in MAY_BE_SENT if name in fields]
    if not wanted:
        return {}
    snapshots = latest_snapshots(scope, session, list(client_ids), invented=False)
    return {
        client_id: {name: str(value) for name in wanted if (value := getattr(row, name)) not in (None, "")}
        for client_id, row in snapshots.items()
    }
