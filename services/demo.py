"""The demo tenant: twelve invented clients and four invented people, kept in ``demo.toml``."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from models.accounts import UserState, user_by_email
from models.clients import every_client
from models.engine import writing
from models.scope import Scope
from services.accounts import (
    DEMO_SLUG,
    PersonFields,
    create_business,
    find_business,
    lock_business,
    save_person,
)
from services.clients import ClientFields, add_client, assign
from services.errors import UserError

__all__ = ["DEMO_SLUG", "DemoReport", "load_demo"]

_DATA = Path(__file__).with_name("demo.toml")


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What had to be made; zeros when the demo was there."""

    people: int
    clients: int


def load_demo() -> DemoReport:
    """Make what is missing of the demo tenant; what somebody changed in it stays changed.

    UserError when a real business has taken the demo's slug: invented news must not reach it.
    """
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    business = find_business(DEMO_SLUG)
    if business is None:
        business = create_business(DEMO_SLUG, data["business"]["name"], is_demo=True)
    if not business.is_demo:
        raise UserError(
            f"the business {DEMO_SLUG!r} is not the demo tenant", "set CM_DATA_DIR to an empty folder for it"
        )
    scope = Scope.system(business.id)
    people = clients = 0
    with writing(scope) as session:
        lock_business(scope, session)
        ids = {}
        for entry in data["people"]:
            user = user_by_email(scope, session, entry["email"])
            if user is None:
                fields = PersonFields.model_validate(entry)
                user, _ = save_person(scope, session, fields, state=UserState.ACTIVE)
                people += 1
            ids[user.email] = user.id
        known = {client.crm_id for client in every_client(scope, session)}
        for entry in data["clients"]:
            assigned = entry.pop("assigned_to")
            if entry["crm_id"] not in known:
                client = add_client(scope, session, ClientFields.model_validate(entry))
                assign(scope, session, client, [ids[email] for email in assigned])
                clients += 1
    return DemoReport(people=people, clients=clients)
