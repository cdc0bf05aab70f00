"""Get started: four steps, each done when the database says so, and the digest at their end."""

from datetime import timedelta
from typing import Any

import pytest
from apptest import open_app, open_page, signed_in
from conftest import Tenant
from desk import another_tenant, change, rows
from newsroom import add_event, add_run, plan_for
from streamlit.testing.v1 import AppTest

from models.accounts import Frequency, User, UserPreference
from models.base import utc_now
from models.clients import Client, ClientAssignment
from models.jobs import JobRun, RunState
from models.mail import Delivery
from models.providers import ProviderConfig
from models.scope import Role
from services.first_steps import is_new, want_first_steps
from services.providers import enable
from services.run_start import Started, Where
from tasks.filter.stage import filter_batch
from ui.views.first_run import add_clients, first_look, page


class House:
    """An empty business whose owner begins."""

    def __init__(self, tenant: Tenant, patch: pytest.MonkeyPatch) -> None:
        self.tenant, self.patch = tenant, patch
        self.token, self.viewer = signed_in(tenant, Role.OWNER, "ada@example.com")

    def open(self, step: int | None = None) -> AppTest:
        query = {"step": str(step)} if step else {}
        return clean(open_page(self.patch, self.token, page, **query).run())

    def with_client(self) -> Any:
        client = self.tenant.add_client("Acme")
        self.tenant.add(
            ClientAssignment(
                business_id=self.tenant.business_id, client_id=client, user_id=self.viewer.user_id
            )
        )
        return client


@pytest.fixture
def house(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tenant, monkeypatch)


def clean(test: AppTest) -> AppTest:
    assert not test.exception, test.exception
    return test


def press(test: AppTest, label: str) -> AppTest:
    found = [button for button in test.button if button.label == label]
    assert found, [button.label for button in test.button]
    return clean(found[0].click().run())


def field(elements: Any, label: str) -> Any:
    return next(one for one in elements if one.label.startswith(label))


def text(test: AppTest) -> str:
    parts = (
        test.header,
        test.subheader,
        test.markdown,
        test.caption,
        test.success,
        test.info,
        test.warning,
        test.error,
    )
    return "\n".join(str(one.value) for part in parts for one in part).replace("\\", "").replace("\u2060", "")


def step(test: AppTest) -> str:
    return str(test.header[0].value)


def test_an_empty_business_begins_with_its_first_steps_and_others_with_today(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clean(open_app(monkeypatch, house.token).run()).title[0].value == "Get started"
    manager, _ = signed_in(house.tenant, Role.MANAGER)
    assert clean(open_app(monkeypatch, manager).run()).title[0].value == "Today"
    want_first_steps(house.viewer.scope, False)
    assert clean(open_app(monkeypatch, house.token).run()).title[0].value == "Today"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_only_admins_are_led(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    token, _ = signed_in(tenant, role)
    test = clean(open_page(monkeypatch, token, page).run())
    assert "Only for admins" in text(test)
    assert not test.button


def test_typed_clients_go_in_and_the_next_step_follows(house: House) -> None:
    test = house.open()
    assert step(test) == "1. Add clients"
    test.text_area[0].input("Acme Robotics, acme.com\nBolt")
    test = press(test, "Watch these clients")
    assert {client.name: client.domain for client in rows(house.tenant, Client)} == {
        "Acme Robotics": "acme.com",
        "Bolt": None,
    }
    assert {row.user_id for row in rows(house.tenant, ClientAssignment)} == {house.viewer.user_id}
    assert step(test) == "2. Choose sources"
    assert "2 clients are watched, 2 of them looked after by you" in text(house.open(1))


def test_a_line_that_cannot_be_read_is_named_where_it_was_typed(house: House) -> None:
    test = house.open()
    test.text_area[0].input("Acme\nBolt, not [a](domain)")
    test = press(test, "Watch these clients")
    assert step(test) == "1. Add clients"
    assert "Left out, line 2" in text(test)
    assert [client.name for client in rows(house.tenant, Client)] == ["Acme"]


def test_a_file_is_looked_at_before_it_goes_in(house: House) -> None:
    test = house.open(1)
    test.get("file_uploader")[0].set_value(
        ("c.csv", b"Company,Web\nAcme,acme.com\nBolt,nowhere\n", "text/csv")
    )
    test = clean(test.run())
    assert "1 new client" in text(test)
    assert "1 row left out" in text(test)
    assert rows(house.tenant, Client) == []
    test = press(test, "Import")
    assert [client.name for client in rows(house.tenant, Client)] == ["Acme"]
    assert "Nobody looks after 1 client" in text(house.open(1))
    press(house.open(1), "I look after them")
    assert [row.user_id for row in rows(house.tenant, ClientAssignment)] == [house.viewer.user_id]


def test_a_source_is_switched_on_with_what_it_is_sent_in_sight(house: House) -> None:
    test = house.open(2)
    said = text(test)
    assert "Google LLC (USA) receives: The client's name" in said
    assert not [button for button in test.button if button.key == "on_newsapi"], "it needs a key"
    assert not [button for button in test.button if button.key == "on_rss"], "there is no feed"
    clean(test.button(key="on_google_news").click().run())
    [config] = rows(house.tenant, ProviderConfig)
    assert (config.name, config.is_enabled) == ("google_news", True)
    assert "1 source is on: Google News" in text(house.open(2))


def test_my_mail_is_set_and_a_sample_sent(house: House) -> None:
    test = house.open(3)
    field(test.radio, "How often").set_value(Frequency.WEEKLY)
    field(test.selectbox, "Its day").select(4)
    field(test.selectbox, "Time zone").select("Europe/Berlin")
    press(test, "Save")
    [wants] = rows(house.tenant, UserPreference)
    assert (wants.notification_frequency, wants.digest_day_of_week) == (Frequency.WEEKLY, 4)
    assert rows(house.tenant, User)[0].timezone == "Europe/Berlin"
    test = house.open(3)
    assert "Your mail is set" in text(test)
    assert "on its way to ada@example.com" in text(press(test, "Send me a sample"))
    assert [mail.recipient for mail in rows(house.tenant, Delivery)] == ["ada@example.com"]


def test_the_first_run_says_what_it_lacks(house: House) -> None:
    test = house.open(4)
    assert "it takes a client (step 1) and a source (step 2)" in text(test)
    assert "Start the first run" not in [button.label for button in test.button]


def test_the_first_run_is_started_watched_and_ends_in_a_digest(house: House) -> None:
    client = house.with_client()
    enable(house.tenant.scope, "google_news")
    asked: list[dict[str, object]] = []

    def start(_scope: object, **how: object) -> Started:
        asked.append(how)
        run = add_run(house.tenant, counts={"search.found": 12}, stages={"search": {"from": "", "until": ""}})
        return Started(Where.HERE, "started on this machine", job_run_id=run)

    house.patch.setattr(first_look, "start_run", start)
    test = press(house.open(4), "Start the first run")
    assert asked == [{"days_back": 30}]
    assert "12 items found so far" in text(test)
    assert ":material/check_circle: Asking the sources" in text(test)
    assert ":material/pending: Grouping articles into stories" in text(test)

    at = utc_now() - timedelta(days=3)
    add_event(house.tenant, client, "Acme told <once>", is_history=True, relevance=0.9, at=at)
    filter_batch(plan_for(house.tenant, as_of=utc_now(), job_run_id=rows(house.tenant, JobRun)[0].id), 100)
    change(house.tenant, JobRun, state=RunState.COMPLETED, finished_at=utc_now())
    test = house.open(4)
    assert "The run is over: 12 items found" in text(test)
    assert "Your first digest" in text(test)
    assert "1 story. All of it is from before we started watching" in text(test)
    shown = str(test.get("iframe")[0].proto)
    assert "Acme told" in shown
    assert "<once>" not in shown
    assert "href=" not in shown
    press(test, "Finish, and go to Today")
    assert not is_new(house.viewer.scope)


def test_a_run_that_failed_says_why_and_can_be_run_again(house: House) -> None:
    house.with_client()
    enable(house.tenant.scope, "google_news")
    add_run(house.tenant, state=RunState.FAILED, error="no source answered", finished_at=utc_now())
    test = house.open(4)
    assert "did not end well: no source answered" in text(test)
    assert "Run again" in [button.label for button in test.button]
    assert "Your first digest" not in text(test)


def test_a_run_that_waits_for_a_worker_says_so(house: House) -> None:
    house.with_client()
    enable(house.tenant.scope, "google_news")
    house.patch.setattr(
        first_look,
        "start_run",
        lambda *_a, **_k: Started(Where.PREFECT, "started through Prefect", flow_run_id="f"),
    )
    test = press(house.open(4), "Start the first run")
    assert "Started through Prefect: waiting for a worker" in text(test)
    add_run(house.tenant, flow_run_id="f")
    assert "found so far" in text(clean(test.run()))


def test_steps_can_be_skipped_and_nothing_is_remembered_but_the_database(house: House) -> None:
    test = press(house.open(), "Skip for now")
    assert step(test) == "2. Choose sources"
    assert step(house.open()) == "1. Add clients", "another visit begins where something is left to do"
    house.with_client()
    assert step(house.open()) == "2. Choose sources"
    for nonsense in ("0", "9", "x", "1; DROP"):
        test = clean(open_page(house.patch, house.token, page, step=nonsense).run())
        assert step(test) == "2. Choose sources"


def test_who_finds_their_own_way_is_let_go(house: House) -> None:
    press(house.open(), "I find my own way")
    assert not is_new(house.viewer.scope)


def test_the_demo_is_offered_to_an_owner_at_the_machine_alone(house: House) -> None:
    started: list[bool] = []
    house.patch.setattr(add_clients, "start_demo", lambda _viewer, *, is_here: started.append(is_here))
    assert "Load the demo" not in [button.label for button in house.open(1).button]
    house.patch.setattr(add_clients, "_is_here", lambda: True)
    test = press(house.open(1), "Load the demo")
    assert started == [True]
    assert "The demo is there" in text(test)
    assert not rows(house.tenant, Client)
    token, _ = signed_in(house.tenant, Role.ADMIN)
    test = clean(open_page(house.patch, token, page).run())
    assert "Load the demo" not in [button.label for button in test.button]


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("localhost:8501", True),
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("monitor.example.com", False),
        ("localhost.example.com", False),
        ("192.168.0.7:8501", False),
        ("", False),
    ],
)
def test_loopback_is_known_by_its_names(host: str, is_loopback: bool) -> None:
    assert add_clients._is_loopback(host) is is_loopback


def test_another_businesss_progress_is_not_ours(house: House) -> None:
    other = another_tenant()
    other.add_client("Hidden")
    enable(other.scope, "google_news")
    add_run(other, state=RunState.COMPLETED)
    test = house.open()
    assert step(test) == "1. Add clients"
    assert "Hidden" not in text(test)
