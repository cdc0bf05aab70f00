"""Who may keep schedules and start runs."""

from models.scope import Role, Scope

_KEEPERS = {Role.OWNER, Role.ADMIN, Role.MANAGER, Role.SYSTEM, Role.OPERATOR}


def may_keep(scope: Scope) -> bool:
    """Whether the scope may change schedules and start runs: everybody but viewers, who read them."""
    return scope.role in _KEEPERS


def require_keeper(scope: Scope) -> None:
    """PermissionError unless the scope may change schedules and start runs."""
    if not may_keep(scope):
        raise PermissionError(f"a {scope.role.value} may not change schedules or start runs")
