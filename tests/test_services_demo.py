"""The demo tenant."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from models.accounts import Frequency, preferences_of, users
from models.clients import Client, active_clients, open_assignments
from models.engine import reading, writing
from models.scope import Scope
from services.accounts import create_business, find_business
from services.demo import DEMO_SLUG, DemoReport, load_demo
from services.errors import UserError


def test_the_demo_is_complete_fictional_and_made_once(db: Engine) -> None:
    assert load_demo() == DemoReport(people=4, clients=12)
    assert load_demo() == DemoReport(people=0, clients=0)
    business = find_business(DEMO_SLUG)
    assert business is not None
    assert business.is_demo
    scope = Scope.system(business.id)
    with reading(scope) as session:
        people, clients = users(scope, session), active_clients(scope, session)
        wants = preferences_of(scope, session)
        assigned = open_assignments(scope, session)
    assert all(user.email.endswith("@example.com") for user in people)
    assert all(client.domain and client.domain.endswith(".example.com") for client in clients)
    assert len({user.timezone for user in people}) == 4
    assert all(ZoneInfo(user.timezone) for user in people)
    assert {wants[user.id].notification_frequency for user in people} == set(Frequency)
    assert any(wants[user.id].notification_categories for user in people)
    assert set(assigned) == {client.id for client in clients}
    assert set().union(*assigned.values()) == {user.id for user in people}
    assert [client.name for client in clients if client.confidential] == ["Velora Health"]
    assert len({client.industry for client in clients}) == 12


def test_what_somebody_changed_in_the_demo_stays(db: Engine) -> None:
    load_demo()
    business = find_business(DEMO_SLUG)
    assert business is not None
    scope = Scope.system(business.id)
    with writing(scope) as session:
        client = session.exec(select(Client).where(Client.name == "Harbor")).one()
        client.name = "Harbour"
    assert load_demo() == DemoReport(people=0, clients=0)
    with reading(scope) as session:
        assert len(active_clients(scope, session)) == 12


def test_a_real_business_of_that_name_is_left_alone(db: Engine) -> None:
    create_business(DEMO_SLUG, "A real one")
    with pytest.raises(UserError, match="not the demo"):
        load_demo()
