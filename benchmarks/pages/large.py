"""A large tenant: 100 clients, 200 people, a year of news, runs and mail; the same for the same sizes and moment.

Shares are guesses at a busy house: a mail in two hundred fails or is of unknown fate, half of the news is not wanted.
"""

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from benchmarks.news import companies
from benchmarks.pages.bulk import Row, id_at, load, settle
from benchmarks.words import OUTLETS
from models.accounts import Business, User, UserPreference, UserState
from models.clients import Client, ClientAssignment, Tier
from models.engine import writing
from models.events import Category
from models.scope import Role, Scope

DAYS = 365
PEOPLE = 200
SLUG = "large"
OWNER = "owner@example.com"
_SEED = 20260310


@dataclass(frozen=True)
class Sizes:
    """How much of what."""

    clients: int = 100
    events: int = 100_000
    mails: int = 1_000_000

    @property
    def name(self) -> str:
        return f"{self.clients}-{self.events}-{self.mails}"


@dataclass
class Tenant:
    """What all generators share. ``end`` is the newest moment of anything."""

    business_id: UUID
    end: datetime
    sizes: Sizes
    clients: list[UUID] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    people: list[UUID] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    @property
    def start(self) -> datetime:
        return self.end - timedelta(days=DAYS)

    @cached_property
    def readers(self) -> list[tuple[int, int]]:
        """For each client the two people who look after it, by number: ten people have a fifth of them each."""
        return [(number % 5, 5 + number % 5) for number in range(len(self.clients))]

    def moment(self, number: int, of: int) -> datetime:
        """The ``number``-th of ``of`` moments, evenly over the year, oldest first."""
        return self.start + timedelta(seconds=number * DAYS * 86_400 / of)

    def dice(self, what: str) -> random.Random:
        return random.Random(f"{_SEED} {what}")


def build(engine: Engine, sizes: Sizes, end: datetime) -> Tenant:
    """Fill a migrated, empty database."""
    from benchmarks.pages import mail, news, work

    tenant = _people_and_clients(engine, sizes, end)
    for generate in (news.load_news, mail.load_mail, work.load_work):
        generate(engine, tenant)
    settle(engine)
    return tenant


def _people_and_clients(engine: Engine, sizes: Sizes, end: datetime) -> Tenant:
    with writing(Scope.operator(), engine) as session:
        business = Business(slug=SLUG, name="Large & Sons", tracking_enabled=True)
        session.add(business)
        session.flush()
    tenant = Tenant(business.id, end, sizes)
    tenant.people = [id_at(tenant.start, 1000 + number) for number in range(PEOPLE)]
    tenant.addresses = [_address(number) for number in range(PEOPLE)]
    found = companies(sizes.clients)
    tenant.clients = [id_at(tenant.start, 5000 + number) for number in range(sizes.clients)]
    tenant.names = [company.name for company in found]
    load(engine, User, _users(tenant))
    load(engine, UserPreference, ({"business_id": business.id, "user_id": one} for one in tenant.people))
    load(
        engine,
        Client,
        (
            {
                "id": client,
                "business_id": business.id,
                "name": company.name,
                "industry": company.trade,
                "keywords": list(company.keywords),
                "tier": Tier(company.tier),
                "baseline_at": tenant.start,
                "created_at": tenant.start,
            }
            for client, company in zip(tenant.clients, found, strict=True)
        ),
    )
    load(engine, ClientAssignment, _assignments(tenant))
    return tenant


def _address(number: int) -> str:
    return {0: OWNER, 1: "admin@example.com"}.get(number, f"person-{number}@example.com")


def _users(tenant: Tenant) -> Iterator[Row]:
    for number, (person, address) in enumerate(zip(tenant.people, tenant.addresses, strict=True)):
        yield {
            "id": person,
            "business_id": tenant.business_id,
            "email": address,
            "name": f"Person {number}",
            "role": {0: Role.OWNER, 1: Role.ADMIN}.get(number, Role.MANAGER),
            "state": UserState.ACTIVE,
            "timezone": "Europe/Berlin",
            "created_at": tenant.start,
        }


def _assignments(tenant: Tenant) -> Iterator[Row]:
    for client, readers in zip(tenant.clients, tenant.readers, strict=True):
        for reader in readers:
            yield {
                "business_id": tenant.business_id,
                "client_id": client,
                "user_id": tenant.people[reader],
                "started_at": tenant.start,
            }


HEADLINES = {
    Category.FUNDING: "{name} raises {n} million for a second plant",
    Category.ACQUISITION: "{name} to acquire a rival for {n} million",
    Category.LEADERSHIP_CHANGE: "{name} names its finance chief as successor {n}",
    Category.PRODUCT_LAUNCH: "{name} launches model {n}",
    Category.PARTNERSHIP: "{name} and partner number {n} sign an agreement",
    Category.FINANCIAL_RESULTS: "{name} reports quarterly revenue of {n} million",
    Category.REGULATORY: "Regulator asks {name} for {n} documents",
    Category.LITIGATION: "{name} is sued over {n} deliveries",
    Category.LAYOFFS: "{name} cuts {n} jobs",
    Category.EXPANSION: "{name} opens {n} branches",
    Category.SECURITY_INCIDENT: "{name} says data of {n} accounts was exposed",
    Category.AWARD: "{name} wins award number {n}",
    Category.OTHER: "{name} in the news, case {n}",
}


def outlet(dice: random.Random) -> str:
    return str(dice.choice(OUTLETS))


def common(tenant: Tenant, row_id: UUID, **values: Any) -> dict[str, Any]:
    """A row of the tenant."""
    return {"id": row_id, "business_id": tenant.business_id, **values}


def main(sizes: Sizes) -> None:
    """Migrate the configured database and fill it."""
    from models.engine import get_engine
    from services.setup import ensure_schema

    ensure_schema()
    build(get_engine(), sizes, datetime.now(UTC).replace(microsecond=0))


if __name__ == "__main__":
    main(Sizes(**json.loads(sys.argv[1])))
    print(json.dumps({"made": True}))
