"""One client's own facts: what its page shows above everything else, and what its form begins with."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import Business
from models.base import utc_now
from models.clients import Client, find_client
from models.crm import latest_snapshots
from models.engine import reading
from models.feed import muted_clients
from models.scope import Scope
from models.settings import get_settings
from services.clients import ClientFields
from services.errors import UserError
from services.portfolio.standing import Standing, standing_of
from services.portfolio.table import Person, people_by_client


class ClientFacts(BaseModel):
    """A client as its page begins."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    fields: ClientFields
    archived_at: datetime | None
    created_at: datetime
    baseline_at: datetime | None
    """When its first search ended; None: it was not searched yet."""
    people: tuple[Person, ...]
    standing: Standing | None
    is_standing_old: bool
    """The CRM was asked longer ago than it should be."""
    is_muted: bool
    """For the person who looks."""

    @property
    def name(self) -> str:
        return self.fields.name


def client_facts(scope: Scope, client_id: UUID, *, now: datetime | None = None) -> ClientFacts:
    """The client with its newest CRM snapshot. UserError when there is none of this id in the business."""
    now = now or utc_now()
    with reading(scope) as session:
        client = known_client(scope, session, client_id)
        invented = session.get_one(Business, scope.business).is_demo
        snapshot = latest_snapshots(scope, session, [client_id], invented=invented).get(client_id)
        people = people_by_client(scope, session, client_id).get(client_id, ())
        muted = muted_clients(scope, session, scope.user_id) if scope.user_id is not None else set()
    oldest = now - timedelta(hours=get_settings().crm_max_age_hours)
    return ClientFacts(
        id=client.id,
        fields=fields_of(client),
        archived_at=client.archived_at,
        created_at=client.created_at,
        baseline_at=client.baseline_at,
        people=people,
        standing=standing_of(snapshot) if snapshot else None,
        is_standing_old=snapshot is not None and snapshot.taken_at < oldest,
        is_muted=client_id in muted,
    )


def known_client(scope: Scope, session: Session, client_id: UUID) -> Client:
    """The client of this id, archived or not; UserError when the business has none."""
    client = find_client(scope, session, client_id)
    if client is None:
        raise UserError("there is no such client in this business", "open it from the list of clients")
    return client


def fields_of(client: Client) -> ClientFields:
    """What may be said of a client, as it is said of this one."""
    # Stored values were checked when they came in, by rules that may have been other ones then.
    return ClientFields.model_construct(**{name: getattr(client, name) for name in ClientFields.model_fields})
