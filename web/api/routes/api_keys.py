"""A tenant's API keys."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.scope import Role
from services.access import keys
from services.access.caller import Grant
from web.api.caller import AdminReader, AdminWriter
from web.api.problems import NotFound, described

router = APIRouter(prefix="/api-keys", tags=["api keys"])


class KeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["CRM sync"])
    role: Role = Field(default=Role.VIEWER, description="the most it may do; never more than you may")
    grants: list[Grant] = Field(default=[Grant.READ], min_length=1, max_length=3)
    expires_at: AwareDatetime | None = None


class KeyOut(BaseModel):
    """Everything of a key but the key."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    start: str = Field(description="how it begins, to tell keys apart", examples=["cm_Zk3vQx"])
    role: Role
    grants: list[Grant]
    made_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="shown now or never")


@router.get("", responses=described(401, 403))
def list_keys(who: AdminReader) -> list[KeyOut]:
    """The tenant's keys, revoked ones too, the newest first."""
    return [KeyOut.model_validate(one) for one in keys.list_keys(who.scope)]


@router.post("", status_code=201, responses=described(401, 403, 422))
def create_key(given: KeyIn, who: AdminWriter) -> NewKeyOut:
    """A key that acts in your name, within its role and grants, until it expires or is revoked."""
    made = keys.create_key(
        who.scope, given.name, role=given.role, grants=given.grants, expires_at=given.expires_at
    )
    return NewKeyOut(**KeyOut.model_validate(made.view).model_dump(), key=made.secret)


@router.delete("/{key_id}", responses=described(401, 403, 404))
def revoke_key(key_id: UUID, who: AdminWriter) -> KeyOut:
    """Let it open nothing any more. Its line stays."""
    if all(one.id != key_id for one in keys.list_keys(who.scope)):
        raise NotFound("key")
    return KeyOut.model_validate(keys.revoke_key(who.scope, key_id))
