"""When a tenant's own keys of a provider were put in: the only thing of them that is told."""

from datetime import datetime

from sqlmodel import col, select

from models.audit import AuditLog
from models.engine import reading
from models.scope import Scope
from services.providers.catalogue import Provider
from services.providers.switches import require_switcher


def sealed_at(scope: Scope, one: Provider) -> dict[str, datetime]:
    """When each of the provider's keys was last stored, by the field's name; from the audit log."""
    require_switcher(scope)
    lines = (
        select(AuditLog)
        .where(AuditLog.action == "provider.enabled", AuditLog.subject == f"{one.kind.value}/{one.name}")
        .order_by(col(AuditLog.created_at))
    )
    with reading(scope) as session:
        return {
            name: line.created_at for line in session.exec(lines) for name in line.details.get("keys", ())
        }
