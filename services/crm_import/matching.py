"""Which client an account of the CRM is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from models.accounts import User
from models.clients import Client, ClientAssignment
from models.crm import CrmImport
from services.clients import name_key
from services.crm_import.reading import Wanted

ID = "crm_id"
"""Under which a ``CrmImport`` remembers the id that its CRM gave the client."""


@dataclass(frozen=True, slots=True)
class House:
    """What we have: every client, person, open assignment, and what CRMs said last time."""

    clients: Sequence[Client]
    people: Sequence[User]
    assigned: Sequence[ClientAssignment]
    imports: Mapping[UUID, CrmImport]
    """This CRM's, by client id."""
    elsewhere: Collection[tuple[UUID, str]] = frozenset()
    """Clients and the ids that other CRMs gave them."""

    def id_of(self, client: Client) -> str | None:
        """Its id in this CRM: the one it has, given by this CRM or typed by hand, unless another CRM gave that.

        Then the one that this CRM had given before, if any: who moves back is known again.
        """
        memory = self.imports.get(client.id)
        given: str | None = memory.said.get(ID) if memory is not None else None
        if (
            client.crm_id is None
            or client.crm_id == given
            or (client.id, client.crm_id) not in self.elsewhere
        ):
            return client.crm_id
        return given


class Register:
    """Accounts are looked up one after the other: what one takes (a name, a client) the next cannot have."""

    def __init__(self, house: House) -> None:
        self._ids = {client.id: crm_id for client in house.clients if (crm_id := house.id_of(client))}
        self._by_id = {self._ids[client.id]: client for client in house.clients if client.id in self._ids}
        self._holders = {client.crm_id: client for client in house.clients if client.crm_id}
        self._by_name = {name_key(client.name): client for client in house.clients}
        self._names = {name_key(client.name): self._ids.get(client.id, "") for client in house.clients}
        self._by_domain: dict[str, list[Client]] = {}
        for client in house.clients:
            if client.domain:
                self._by_domain.setdefault(client.domain, []).append(client)

    def linked(self, wanted: Wanted) -> list[Client]:
        """The clients linked to this account, the one to go on with first.

        There are several when accounts were merged in the CRM. An archived client is not put before one that is
        watched, unless the account's own id is its.
        """
        own, key = self._by_id.get(wanted.crm_id), name_key(wanted.name)
        found = {client.id: client for one in wanted.ids if (client := self._by_id.get(one)) is not None}
        return sorted(
            found.values(),
            key=lambda one: (one is not own, one.archived_at is not None, name_key(one.name) != key),
        )

    def alike(self, wanted: Wanted) -> Client | None:
        """The client of this name, else the one with this domain, for an account that none is linked to.

        A domain says something only if it is nobody else's on either side and no CRM id speaks against.
        """
        named = self._by_name.get(name_key(wanted.name))
        if named is not None:
            return named
        found = self._of_domain(wanted) if not wanted.shares_domain else []
        return found[0] if len(found) == 1 and found[0].id not in self._ids else None

    def id_for(self, name: str) -> str:
        """The CRM id of whoever has this name; empty: nobody has it, or without an id of this CRM."""
        return self._names.get(name_key(name), "")

    def holder(self, wanted: Wanted) -> Client | None:
        """The client that has this account's id in its own field, whichever CRM gave it."""
        return self._holders.get(wanted.crm_id)

    def is_shared(self, wanted: Wanted) -> bool:
        """Whether the account's domain is another account's or client's too."""
        return bool(wanted.said.get("domain")) and (wanted.shares_domain or bool(self._of_domain(wanted)))

    def link(self, wanted: Wanted, client: Client) -> None:
        """The account is this client: its other ids do not lead there any more."""
        for crm_id in wanted.other_ids:
            if self._by_id.get(crm_id) is client:
                del self._by_id[crm_id]
        if client.crm_id is not None and self._holders.get(client.crm_id) is client:
            del self._holders[client.crm_id]
        self._holders[wanted.crm_id] = client
        self._by_id[wanted.crm_id] = client
        self._ids[client.id] = wanted.crm_id
        self._names[name_key(client.name)] = wanted.crm_id

    def take_name(self, wanted: Wanted) -> None:
        """A client that is not there yet will have this name."""
        self._names[name_key(wanted.name)] = wanted.crm_id

    def rename(self, client: Client, wanted: Wanted) -> bool:
        """Give the client the account's name, if it is free."""
        key, old = name_key(wanted.name), name_key(client.name)
        if key != old and key in self._names:
            return False
        self._names.pop(old, None)
        self._by_name.pop(old, None)
        self._names[key] = wanted.crm_id
        self._by_name[key] = client
        return True

    def _of_domain(self, wanted: Wanted) -> list[Client]:
        return self._by_domain.get(wanted.said.get("domain") or "", [])
