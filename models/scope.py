"""Who is asking, and for which tenant."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    VIEWER = "viewer"
    SYSTEM = "system"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a query may see. ``business_id`` None means across tenants, which only an operator may.

    Every query function takes one first; the session guard in ``models.engine`` enforces it.
    """

    business_id: UUID | None
    user_id: UUID | None
    role: Role

    def __post_init__(self) -> None:
        if self.business_id is None and self.role is not Role.OPERATOR:
            raise PermissionError("a scope without a business is the operator's alone")

    @classmethod
    def system(cls, business_id: UUID) -> "Scope":
        """The machinery itself, working for one business."""
        return cls(business_id=business_id, user_id=None, role=Role.SYSTEM)

    @classmethod
    def operator(cls) -> "Scope":
        """The deployment's trusted person, across tenants."""
        return cls(business_id=None, user_id=None, role=Role.OPERATOR)

    @property
    def business(self) -> UUID:
        """The tenant's id; raises PermissionError for a scope across tenants."""
        if self.business_id is None:
            raise PermissionError("name a business: this is done for one tenant at a time")
        return self.business_id
