"""The tenant's clients as the matching engines see them, with the name index over all of them."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlmodel import Session

from models.clients import Client, active_clients
from models.scope import Scope
from tasks.companies.index import NameIndex
from tasks.companies.names import Profile


def profile_of(client: Client) -> Profile:
    """A client's public profile: what may be matched against, and nothing the CRM knows."""
    return Profile(
        key=str(client.id),
        name=client.name,
        legal_name=client.legal_name,
        aliases=tuple(client.aliases),
        domain=client.domain,
        ticker=client.ticker,
        excluded_terms=tuple(client.excluded_terms),
        keywords=tuple(client.keywords),
        industry=client.industry,
    )


@lru_cache(maxsize=4)
def _index(profiles: tuple[Profile, ...]) -> NameIndex:
    return NameIndex(profiles)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Clients by id, their profiles, and the index that finds any of them in a text."""

    clients: dict[UUID, Client]
    profiles: dict[UUID, Profile]
    index: NameIndex


def portfolio(scope: Scope, session: Session) -> Portfolio:
    """The clients watched now. The index is rebuilt only when a profile changed."""
    clients = {client.id: client for client in active_clients(scope, session)}
    profiles = {client_id: profile_of(client) for client_id, client in clients.items()}
    return Portfolio(clients, profiles, _index(tuple(profiles.values())))
