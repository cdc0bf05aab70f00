"""Switching outside services: who may, what is asked of them, where keys go, and what is never shown."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import Tenant
from desk import another_tenant, rows
from fakes import NewsServer, Reply, google_news, rss
from pydantic import SecretStr
from sqlalchemy import Engine, text

from models import breakers
from models.audit import AuditLog
from models.base import utc_now
from models.clock import FixedClock
from models.engine import reading, writing
from models.limits import hold_back
from models.providers import ProviderConfig, ProviderKind
from models.scope import Role, Scope
from models.settings import Settings, get_settings
from models.vault import new_key
from services.doctor.checks import State
from services.doctor.providers import check_providers
from services.errors import UserError
from services.providers import (
    Listing,
    ProviderLine,
    catalogue,
    disable,
    enable,
    list_providers,
    reseal_keys,
    try_provider,
)
from services.providers.keystate import KeyState, keys_of
from services.providers.trial import INVENTED, TrialFailed
from tasks.about import About, Field, KeyUse, about_of, amount, letters, whole, words
from tasks.keys import secrets_of

SECRET = "k-3f9a-very-secret"
KIND = ProviderKind.SOURCE
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def env(db: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a deployment with a vault; settings are read anew."""
    monkeypatch.setenv("CM_SECRET_KEYS", new_key())
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


def put(env: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        env.setenv(f"CM_{name.upper()}", value)
    get_settings.cache_clear()


def line(listing: Listing, name: str) -> ProviderLine:
    return next(one for one in listing.providers if one.name == name)


def config(tenant: Tenant, name: str) -> ProviderConfig:
    return next(row for row in rows(tenant, ProviderConfig) if row.name == name)


# what there is


def test_everything_that_somebody_outside_hears_of_is_listed_and_says_so(tenant: Tenant) -> None:
    known = catalogue()
    names = {one.name for one in known}
    assert names >= {"google_news", "rss", "tavily", "newsapi", "serper", "brave", "google_search", "gdelt",
                     "sec_edgar", "salesforce", "hubspot", "openai", "anthropic", "openai_compatible"}  # fmt: skip
    assert not names & {"mock", "archive", "rules"}
    for one in known:
        assert one.about.title
        assert one.about.recipient
        assert one.about.sends
        if one.about.key_setting:
            assert one.about.key_setting in Settings.model_fields
        for field in one.about.options:
            assert not field.setting or field.setting in Settings.model_fields


def test_a_plug_in_that_says_nothing_is_taken_for_the_worst() -> None:
    about = about_of("plug", object)
    assert "unknown" in about.recipient
    assert "names leave the house" in about.sends


def test_nothing_is_on_until_somebody_says_so(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    assert not any(one.enabled for one in list_providers(tenant.scope).providers)
    put(env, feeds="https://a.example/rss")
    assert [one.name for one in list_providers(tenant.scope).providers if one.enabled] == ["rss"]


def test_calls_and_cost_leave_confidential_clients_out(tenant: Tenant) -> None:
    for number in range(10):
        tenant.add_client(f"Client {number}", confidential=number < 2)
    listing = list_providers(tenant.scope, runs_a_day=2)
    assert (listing.clients, listing.confidential, listing.runs_a_day) == (10, 2, 2)
    brave = line(listing, "brave")
    assert brave.calls_a_month == 8 * 2 * 30
    assert (brave.usd_a_month, brave.beyond_free) == (0, False)
    brave = line(list_providers(tenant.scope, runs_a_day=24), "brave")
    assert brave.usd_a_month == (8 * 24 * 30 - 1_000) * 0.005
    assert brave.beyond_free
    assert line(listing, "rss").calls_a_month is None
    assert line(listing, "openai").calls_a_month is None


# switching


def test_on_and_off_are_audited_and_idempotent(tenant: Tenant) -> None:
    first = enable(tenant.scope, "google_news", options={"language": "de", "calls_per_day": "100"}, now=NOW)
    assert (first.switched, first.options) == (True, ("language", "calls_per_day"))
    assert config(tenant, "google_news").options == {"language": "de", "calls_per_day": 100}
    again = enable(tenant.scope, "google_news", options={"language": "de"})
    assert (again.switched, again.options, again.keys) == (False, (), ())
    enable(tenant.scope, "google_news", options={"language": ""})
    assert config(tenant, "google_news").options == {"calls_per_day": 100}
    assert disable(tenant.scope, "google_news").switched
    assert not disable(tenant.scope, "google_news").switched
    assert [(row.action, row.subject) for row in rows(tenant, AuditLog)] == [
        ("provider.enabled", "source/google_news"),
        ("provider.enabled", "source/google_news"),
        ("provider.disabled", "source/google_news"),
    ]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("nix", {}, "no provider that can be switched is called 'nix'"),
        ("mock", {}, "no provider that can be switched"),
        ("google_news", {"colour": "red"}, "has no option 'colour'"),
        ("google_news", {"language": "german"}, "language: 2 letters"),
        ("google_news", {"calls_per_day": "many"}, "calls_per_day: a whole number from 1"),
        ("newsapi", {"key": SECRET}, "key is a secret"),
        ("newsapi", {}, "newsapi needs key"),
        ("sec_edgar", {}, "sec_edgar needs contact"),
        ("google_search", {"engine": "cx"}, "google_search needs key"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    tenant: Tenant, name: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said) as caught:
        enable(tenant.scope, name, options=options)
    assert caught.value.mend
    assert SECRET not in f"{caught.value} {caught.value.mend}"
    assert rows(tenant, ProviderConfig) == []
    assert rows(tenant, AuditLog) == []


def test_a_missing_key_says_where_to_put_one(tenant: Tenant) -> None:
    with pytest.raises(UserError) as caught:
        enable(tenant.scope, "newsapi")
    assert "CM_NEWSAPI_API_KEY" in caught.value.mend
    assert "--secret key" in caught.value.mend


def test_what_was_shut_down_is_not_switched_on(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    put(env, google_search_api_key=SECRET, google_search_engine="cx")
    with pytest.raises(UserError, match="was shut down on 2027-01-01"):
        enable(tenant.scope, "google_search", now=datetime(2027, 1, 1, tzinfo=UTC))
    assert enable(tenant.scope, "google_search", now=NOW).switched


def test_what_is_no_longer_installed_can_be_switched_off(tenant: Tenant) -> None:
    tenant.add(ProviderConfig(business_id=tenant.business_id, kind=KIND, name="gone", is_enabled=True))
    assert disable(tenant.scope, "gone").switched
    assert not config(tenant, "gone").is_enabled
    with pytest.raises(UserError, match="'never'"):
        disable(tenant.scope, "never")


def test_only_admins_may(tenant: Tenant) -> None:
    for role in (Role.MANAGER, Role.VIEWER):
        scope = Scope(business_id=tenant.business_id, user_id=None, role=role)
        for act in (enable, disable, try_provider):
            with pytest.raises(PermissionError, match="may not switch or test"):
                act(scope, "google_news")


def test_of_crms_and_ais_one_is_in_force(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    put(env, openai_api_key=SECRET, anthropic_api_key=SECRET)
    enable(tenant.scope, "openai")
    assert enable(tenant.scope, "anthropic").switched_off == ("openai",)
    assert not config(tenant, "openai").is_enabled
    enable(tenant.scope, "google_news")
    assert enable(tenant.scope, "gdelt").switched_off == ()


# keys


def test_a_key_is_sealed_and_shows_nowhere(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    change = enable(tenant.scope, "newsapi", secrets={"key": f" {SECRET}\n"})
    assert change.keys == ("key",)
    listing = list_providers(tenant.scope)
    assert line(listing, "newsapi").key is KeyState.OWN
    row = config(tenant, "newsapi")
    with reading(Scope.operator()) as session:
        everything = [
            str(session.execute(text(f"SELECT * FROM {table}")).all())
            for table in ("provider_configs", "audit_logs")
        ]
    for shown in (listing.model_dump_json(), repr(change), repr(row), *everything):
        assert SECRET not in shown
    about = next(one.about for one in catalogue(KIND) if one.name == "newsapi")
    assert secrets_of(get_settings(), about, row)["key"].get_secret_value() == SECRET


def test_the_state_of_a_key_is_told(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    assert line(list_providers(tenant.scope), "newsapi").key is KeyState.NEEDED
    assert line(list_providers(tenant.scope), "tavily").key is KeyState.NONE
    put(env, newsapi_api_key="shared-9c1")
    assert line(list_providers(tenant.scope), "newsapi").key is KeyState.DEPLOYMENT
    enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    put(env, secret_keys=new_key())
    found = line(list_providers(tenant.scope), "newsapi")
    assert (found.key, found.missing) == (KeyState.UNREADABLE, [])
    with pytest.raises(UserError, match="cannot be read") as caught:
        enable(tenant.scope, "newsapi")
    assert "--forget-key" in caught.value.mend
    assert disable(tenant.scope, "newsapi", forget_key=True).keys == ("all keys",)
    assert config(tenant, "newsapi").secret is None
    assert line(list_providers(tenant.scope), "newsapi").key is KeyState.DEPLOYMENT


@pytest.mark.parametrize("value", ["", "  ", "changeme", "<your key>", "x" * 30_000])
def test_what_is_no_key_is_refused(tenant: Tenant, env: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(UserError, match="looks like no key"):
        enable(tenant.scope, "newsapi", secrets={"key": value})


def test_without_a_vault_no_key_is_kept(tenant: Tenant) -> None:
    with pytest.raises(UserError, match="CM_SECRET_KEYS"):
        enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    assert rows(tenant, ProviderConfig) == []


def test_keys_are_resealed_for_every_tenant_or_for_none(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    old, new = get_settings().secret_keys[0].get_secret_value(), new_key()
    other = another_tenant()
    for one in (tenant, other):
        enable(one.scope, "newsapi", secrets={"key": SECRET})
    put(env, secret_keys=new)
    with pytest.raises(UserError, match="newsapi"):
        reseal_keys()
    put(env, secret_keys=f"{new} {old}")
    assert reseal_keys() == 2
    put(env, secret_keys=new)
    assert line(list_providers(other.scope), "newsapi").key is KeyState.OWN


def test_one_of_several_secrets_will_do() -> None:
    about = About(
        "X", "x", "x", key=KeyUse.REQUIRED,
        fields=(Field("id", "Id", required=True), Field("token", "T", secret=True), Field("pem", "P", secret=True)),
    )  # fmt: skip
    settings = Settings(_env_file=None, secret_keys=[SecretStr(new_key())])
    assert keys_of(settings, about, None).missing == ("token", "id")


@pytest.mark.parametrize(
    ("read", "good", "value", "bad"),
    [
        (whole(1, 10), "7", 7, ["0", "11", "x", "1.5", "-1"]),
        (amount(0, 5), "2.50", 2.5, ["6", "x", "-1", "nan"]),
        (letters(2, "x"), "de", "de", ["d", "deu", "12"]),
        (words, "a, b a", ["a", "b"], []),
    ],
)
def test_what_is_typed_is_read(read: object, good: str, value: object, bad: list[str]) -> None:
    assert callable(read)
    assert read(good) == value
    for typed in bad:
        with pytest.raises(ValueError, match=r"."):
            read(typed)


# trying


def test_a_trial_asks_about_an_invented_company_and_keeps_nothing(
    tenant: Tenant, env: pytest.MonkeyPatch, server: NewsServer
) -> None:
    tenant.add_client("Acme", aliases=[INVENTED[1]])
    tenant.add_client(INVENTED[0])
    put(env, google_news_url=server.serve("/rss", google_news([("Any grows", "Wire")])))
    assert (
        try_provider(tenant.scope, "google_news")
        == "Google News: answered, with 1 item, the newest of 2026-03-09"
    )
    [asked] = server.asked
    assert INVENTED[2] in str(asked.query)
    for name in ("Acme", *INVENTED[:2]):
        assert name not in str(asked.query)
    with reading(tenant.scope) as session:
        assert session.execute(text("SELECT count(*) FROM event_raw_data")).scalar_one() == 0


def test_a_trial_of_feeds_reads_them(tenant: Tenant, env: pytest.MonkeyPatch, server: NewsServer) -> None:
    put(env, feeds=server.serve("/feed", rss([{"title": "A"}])))
    assert try_provider(tenant.scope, "rss") == "RSS and Atom feeds: answered, with 1 item"


def test_a_trial_that_fails_says_why_and_one_that_works_closes_the_breaker(
    tenant: Tenant, env: pytest.MonkeyPatch, server: NewsServer
) -> None:
    put(env, source_urls=json.dumps({"newsapi": server.serve("/api", Reply(status=401))}))
    enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    for _ in range(5):
        breakers.failed(tenant.scope, KIND, "newsapi", "x")
    with pytest.raises(TrialFailed, match="check the key") as caught:
        try_provider(tenant.scope, "newsapi")
    assert SECRET not in str(caught.value)
    found = line(list_providers(tenant.scope), "newsapi")
    assert (found.state, found.failures, found.last_error) == (breakers.BreakerState.OPEN, 5, "x")
    answer = json.dumps({"status": "ok", "totalResults": 0, "articles": []}).encode()
    server.serve("/api", Reply(answer, media_type="application/json"))
    assert try_provider(tenant.scope, "newsapi") == "NewsAPI: answered, with 0 items"
    assert line(list_providers(tenant.scope), "newsapi").state is breakers.BreakerState.CLOSED


def test_the_worst_feed_is_told_unless_nobody_reads_it_any_more(tenant: Tenant) -> None:
    for _ in range(5):
        breakers.failed(tenant.scope, KIND, "rss:0123", "gone.example: answered 404", now=NOW)
    breakers.succeeded(tenant.scope, KIND, "rss:4567", now=NOW)
    found = line(list_providers(tenant.scope, now=NOW), "rss")
    assert (found.state, found.last_error) == (breakers.BreakerState.OPEN, "gone.example: answered 404")
    later = NOW + timedelta(days=8)
    assert line(list_providers(tenant.scope, now=later), "rss").state is breakers.BreakerState.CLOSED


def test_a_pause_that_it_asked_for_is_shown_and_does_not_keep_a_person_waiting(
    tenant: Tenant, env: pytest.MonkeyPatch, server: NewsServer
) -> None:
    wait = Reply(status=429, headers={"Retry-After": "7200"})
    put(env, source_urls=json.dumps({"newsapi": server.serve("/api", wait)}))
    enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    assert line(list_providers(tenant.scope), "newsapi").held_until is None
    with pytest.raises(TrialFailed, match="asks us to wait"):
        try_provider(tenant.scope, "newsapi")
    over = line(list_providers(tenant.scope), "newsapi").held_until
    assert over is not None
    assert over > utc_now() + timedelta(minutes=110)
    answer = json.dumps({"status": "ok", "totalResults": 0, "articles": []}).encode()
    server.serve("/api", Reply(answer, media_type="application/json"))
    assert try_provider(tenant.scope, "newsapi") == "NewsAPI: answered, with 0 items"
    assert line(list_providers(tenant.scope), "newsapi").held_until is None
    with writing(Scope.operator()) as session:
        hold_back(session, "newsapi", SECRET, utc_now() + timedelta(hours=1))
    enable(tenant.scope, "newsapi", options={"language": "de"})
    assert line(list_providers(tenant.scope), "newsapi").held_until is None


def test_a_new_key_is_tried_at_once(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    enable(tenant.scope, "newsapi", secrets={"key": "old-key-55"})
    for _ in range(5):
        breakers.failed(tenant.scope, KIND, "newsapi", "x")
    enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    assert breakers.admit(tenant.scope, KIND, "newsapi").may_ask


# doctor


def test_doctor_tells_of_what_is_missing_ending_or_gone(tenant: Tenant, env: pytest.MonkeyPatch) -> None:
    clock = FixedClock(NOW)

    def told(now: datetime = NOW) -> list[tuple[State, str]]:
        return [(c.state, c.message) for c in check_providers(get_settings(), FixedClock(now))]

    assert [state for state, _ in told()] == [State.WARN]
    assert "test: no source is switched on" in told()[0][1]
    enable(tenant.scope, "gdelt")
    assert [state for state, _ in told()] == [State.OK]
    put(env, google_search_api_key=SECRET, google_search_engine="cx", contact="ops@x.example")
    enable(tenant.scope, "google_search", now=NOW)
    enable(tenant.scope, "sec_edgar")
    end = "Google Custom Search is shut down on 2027-01-01"
    assert told() == [
        (State.WARN, f"CM_GOOGLE_SEARCH_API_KEY: {end}"),
        (State.WARN, f"test: google_search: {end}"),
    ]
    early = datetime.combine(date(2027, 1, 1), datetime.min.time(), UTC) - timedelta(days=91)
    assert [state for state, _ in told(early)] == [State.OK]
    assert {state for state, _ in told(NOW + timedelta(days=60))} == {State.FAIL}
    put(env, google_search_api_key="", contact="")
    messages = [message for state, message in told() if state is State.FAIL]
    assert messages == [
        "test: google_search is on, but lacks key",
        "test: sec_edgar is on, but lacks contact",
    ]
    enable(tenant.scope, "newsapi", secrets={"key": SECRET})
    env.delenv("CM_SECRET_KEYS")
    get_settings.cache_clear()
    assert any("newsapi: its stored key cannot be read: CM_SECRET_KEYS is not set" in m for _, m in told())
    tenant.add(ProviderConfig(business_id=tenant.business_id, kind=KIND, name="gone", is_enabled=True))
    assert any(
        "gone is on, but is not installed" in check.message
        for check in check_providers(get_settings(), clock)
    )
    assert SECRET not in str(told())


def test_an_address_that_somebody_filled_in_is_the_recipient(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_SOURCE_URLS", '{"newsapi": "https://gateway.example/news"}')
    monkeypatch.setenv("CM_COMPATIBLE_BASE_URL", "http://127.0.0.1:11434/v1")
    get_settings.cache_clear()
    told = {line.name: line.recipient for line in list_providers(tenant.scope).providers}
    assert told["newsapi"].startswith("gateway.example, in place of ")
    assert told["openai_compatible"].startswith("127.0.0.1, in place of ")
    assert told["openai"] == "OpenAI (api.openai.com)"
    assert "in place of" not in told["google_news"]


def test_a_model_that_cannot_work_switches_off_none_that_does(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_OPENAI_API_KEY", "sk-deployment-1f3a")
    monkeypatch.setenv("CM_COMPATIBLE_BASE_URL", "http://127.0.0.1:11434/v1")
    monkeypatch.setenv("CM_COMPATIBLE_MODEL", "llama")
    get_settings.cache_clear()
    enable(tenant.scope, "openai_compatible")
    with pytest.raises(UserError, match="key of your own"):
        enable(tenant.scope, "openai", options={"base_url": "https://8.8.8.8/v1"})
    monkeypatch.delenv("CM_COMPATIBLE_MODEL")
    get_settings.cache_clear()
    with pytest.raises(UserError, match="no model"):
        enable(tenant.scope, "openai_compatible")
    on = {line.name for line in list_providers(tenant.scope).providers if line.enabled}
    assert "openai_compatible" in on
    assert "openai" not in on
