"""The doctor finds what is wrong, says how to mend it, and never tells a secret."""

import importlib.metadata
import smtplib
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
from conftest import Tenant
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine, text

from models import breakers
from models.clock import FixedClock
from models.engine import make_engine
from models.jobs import JobRun, JobType, RunState
from models.providers import ProviderConfig, ProviderHealth, ProviderKind
from models.settings import Settings, get_settings
from services.demo import load_demo
from services.doctor import Check, State, examine, worst
from services.doctor.database import check_businesses, check_database
from services.doctor.local import (
    check_clock,
    check_data_folder,
    check_disk,
    check_keys,
    check_settings,
    check_versions,
)
from services.doctor.mail import check_mail, check_public_url, check_sender
from services.doctor.models import check_models
from services.doctor.prefect_api import DEPLOYMENTS, check_prefect
from services.doctor.standing import check_standing

NO_PREFECT = {"PREFECT_API_URL": ""}
NOW = FixedClock(datetime(2026, 12, 1, tzinfo=UTC))


def dead_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def only(checks: list[Check]) -> Check:
    assert len(checks) == 1, checks
    return checks[0]


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_a_fresh_tenant_is_well(db: Engine) -> None:
    load_demo()
    checks = examine(NO_PREFECT, clock=NOW)
    assert {check.name: check.message for check in checks if check.state is not State.OK} == {}
    found = by_name(checks)
    assert found["businesses"].message == "demo: 12 clients, 4 people"
    assert found["schema"].message.startswith("up to date")
    assert {"settings", "versions", "data folder", "disk", "database", "prefect", "mail"} <= set(found)
    assert {"sender", "links", "time zones", "clock", "keys"} <= set(found)


def test_a_missing_schema(db: Engine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bare.db'}"
    make_engine(url).connect().close()
    found = by_name(check_database(settings(database_url=url), timeout=2))
    assert (found["database"].state, found["schema"].state) == (State.OK, State.FAIL)
    assert "client-monitor init" in found["schema"].mend
    assert check_businesses(settings(database_url=url)) == []


def test_a_database_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    check = only(check_database(settings(database_url=f"sqlite:///{path}"), timeout=2))
    assert check.state is State.WARN
    assert "does not exist yet" in check.message
    assert not path.exists()


def test_schemas_of_other_versions(db: Engine) -> None:
    load_demo()
    with db.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    schema = by_name(check_database(get_settings(), timeout=2))["schema"]
    assert (schema.state, "9999" in schema.message) == (State.FAIL, True)


def test_an_unreachable_database_hides_its_password() -> None:
    url = f"postgresql://cm:hunter2@127.0.0.1:{dead_port()}/cm"
    check = only(check_database(settings(database_url=url), timeout=2))
    assert (check.state, check.message) == (State.FAIL, "the database cannot be reached")
    assert "hunter2" not in check.model_dump_json()


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    path.write_text("this is no database, and long enough to be seen as a file of another kind")
    check = only(check_database(settings(database_url=f"sqlite:///{path}"), timeout=2))
    assert check.state is State.FAIL
    assert "damaged" in check.message


def test_businesses_without_clients_or_owner(db: Engine) -> None:
    assert "none yet" in only(check_businesses(get_settings())).message
    from services.accounts import create_business
    from services.clients import create_client

    business = create_business("acme", "Acme")
    assert "import-clients" in only(check_businesses(get_settings())).mend
    from models.scope import Scope

    create_client(Scope.system(business.id), name="Bolt")
    check = only(check_businesses(get_settings()))
    assert (check.state, check.message) == (State.WARN, "acme: 1 clients, 0 people, no owner")


def test_a_placeholder_key_is_one_line_without_its_value(db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_OPENAI_API_KEY", "sk-your-key-here")
    monkeypatch.setenv("CM_SMTP_PORT", "many")
    get_settings.cache_clear()
    checks = examine(NO_PREFECT, clock=NOW)
    failed = [check for check in checks if check.state is State.FAIL]
    assert [check.message.split(":")[0] for check in failed] == ["CM_SMTP_PORT", "CM_OPENAI_API_KEY"]
    assert "your-key" not in "".join(check.model_dump_json() for check in checks)
    assert worst(checks) is State.FAIL


def test_misspelt_settings_and_an_open_env_file(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("CM_SMPT_HOST=x\nCM_OPENAI_API_KEY=a-real-key\nOTHER=1\n")
    env.chmod(0o644)
    filled = Settings(_env_file=env)  # type: ignore[call-arg]
    checks = check_settings(filled, {"CM_DEBUG": "1", "CM_DATA_DIR": "x", "CM_TYPO": "1"}, env)
    assert [check.message for check in checks] == [
        "CM_SMPT_HOST is no setting of this program",
        "CM_TYPO is no setting of this program",
        "other users of this machine can read .env",
    ]
    env.chmod(0o600)
    assert only(check_settings(settings(), {}, tmp_path / "none")).state is State.OK
    assert "no web address" in only(check_settings(settings(feeds=["feed"]), {}, tmp_path / "none")).message


@pytest.mark.parametrize(
    ("package", "version", "state"),
    [
        ("prefect", "3.8.8", State.OK),
        ("prefect", "3.9.0", State.FAIL),
        ("fastapi", "0.150.9", State.OK),
        ("fastapi", "0.151.0", State.FAIL),
        ("sqlalchemy", "2.0.99", State.OK),
        ("sqlalchemy", "2.1.0b1", State.FAIL),
    ],
)
def test_versions_that_break_us(package: str, version: str, state: State) -> None:
    fine = {"prefect": "3.8.8", "fastapi": "0.150.0", "sqlalchemy": "2.0.58"}
    check = only(check_versions(lambda name: (fine | {package: version})[name]))
    assert check.state is state
    if state is State.FAIL:
        assert f"{package} {version} is too new" in check.message


def test_a_package_that_is_not_there() -> None:
    def version_of(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    assert all("is not installed" in check.message for check in check_versions(version_of))


def test_folder_and_disk(tmp_path: Path) -> None:
    assert check_data_folder(tmp_path).state is State.OK
    assert "will be made" in check_data_folder(tmp_path / "a" / "b").message
    assert not (tmp_path / "a").exists()
    file = tmp_path / "file"
    file.write_text("")
    assert check_data_folder(file).state is State.FAIL
    assert [check_disk(tmp_path, lambda _, free=free: free).state for free in (10**8, 5 * 10**8, 10**10)] == [
        State.FAIL,
        State.WARN,
        State.OK,
    ]


def test_a_data_folder_that_others_can_read_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    folder.chmod(0o755)
    check = check_data_folder(folder)
    assert (check.state, check.mend) == (State.WARN, f"chmod 700 {folder}")
    folder.chmod(0o700)
    assert check_data_folder(folder).state is State.OK


def test_clock() -> None:
    assert check_clock(FixedClock(datetime(1970, 1, 1, tzinfo=UTC))).state is State.FAIL
    assert check_clock(NOW).state is State.OK


def test_which_keys_are_set_is_said_without_them() -> None:
    check = check_keys(settings(openai_api_key="a-real-key"))
    assert (check.state, "CM_OPENAI_API_KEY" in check.message) == (State.OK, True)
    assert "a-real-key" not in check.model_dump_json()


@pytest.mark.parametrize(
    ("model", "day", "state"),
    [
        ("gpt-4o", (2026, 12, 1), State.WARN),
        ("gpt-4o-2024-08-06", (2026, 12, 1), State.WARN),
        ("claude-sonnet-4-5-20250929", (2026, 11, 29), State.WARN),
        ("gpt-4o", (2027, 1, 13), State.WARN),
        ("gpt-4o", (2027, 1, 14), State.FAIL),
        ("gpt-4o-audio", (2027, 2, 1), State.OK),
        ("gpt-5.4", (2027, 6, 1), State.OK),
        ("llama3.3", (2027, 6, 1), State.OK),
    ],
)
def test_a_chosen_model_with_an_end_is_named(
    db: Engine, model: str, day: tuple[int, int, int], state: State
) -> None:
    clock = FixedClock(datetime(*day, 12, tzinfo=UTC))
    check = only(check_models(settings(database_url=get_settings().url, openai_model=model), clock))
    assert check.state is state
    assert (f"CM_OPENAI_MODEL: {model} " in check.message) is (state is not State.OK)


def test_a_model_that_a_tenant_uses_is_looked_at_and_one_that_is_off_is_not(tenant: Tenant) -> None:
    def switch(name: str, model: str, *, on: bool) -> None:
        row = ProviderConfig(
            business_id=tenant.business_id,
            kind=ProviderKind.CLASSIFIER,
            name=name,
            is_enabled=on,
            options={"model": model},
            changed_at=NOW.now(),
        )
        tenant.add(row)

    switch("openai", "gpt-4.1-mini-2025-04-14", on=True)
    switch("anthropic", "claude-sonnet-4-5", on=False)
    check = only(check_models(settings(database_url=get_settings().url), NOW))
    assert (check.state, check.message) == (
        State.WARN,
        "test: openai: gpt-4.1-mini-2025-04-14 is shut down on 2027-01-14",
    )
    assert check.mend


def test_models_are_looked_at_without_a_database(tmp_path: Path) -> None:
    nowhere = f"sqlite:///{tmp_path / 'none.db'}"
    assert only(check_models(settings(database_url=nowhere, openai_model="o3"), NOW)).state is State.WARN
    assert only(check_models(settings(database_url=nowhere), NOW)).state is State.OK


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, State.OK),
        ({"transport": "smtp"}, State.FAIL),
        ({"environment": "production"}, State.FAIL),
        ({"mail_from": "Client Monitor"}, State.FAIL),
        ({"mail_from": "monitor@example.com"}, State.OK),
        ({"mail_from": "CM <monitor@example>"}, State.FAIL),
    ],
)
def test_sender(values: dict[str, Any], state: State) -> None:
    assert check_sender(settings(**values)).state is state


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, State.OK),
        ({"transport": "smtp"}, State.WARN),
        ({"public_url": "monitor.example.com"}, State.FAIL),
        ({"public_url": "http://monitor.example.com"}, State.WARN),
        ({"public_url": "https://monitor.example.com/app"}, State.OK),
    ],
)
def test_links(values: dict[str, Any], state: State) -> None:
    assert check_public_url(settings(**values)).state is state


def test_a_dead_smtp_port() -> None:
    port = dead_port()
    check = only(check_mail(settings(transport="smtp", smtp_port=port), timeout=2))
    assert check.state is State.FAIL
    assert check.message.startswith(f"127.0.0.1:{port} cannot be reached: ")
    assert "CM_SMTP_PORT" in check.mend


@pytest.fixture
def smtp() -> Any:
    """Starts local SMTP servers; what they are sent is lost."""
    started: list[Controller] = []

    def start(**options: Any) -> int:
        controller = Controller(Sink(), hostname="127.0.0.1", port=dead_port(), **options)
        controller.start()
        started.append(controller)
        return int(controller.port)

    yield start
    for controller in started:
        controller.stop()


def test_smtp_answers(smtp: Callable[..., int]) -> None:
    port = smtp()
    check = only(check_mail(settings(transport="smtp", smtp_port=port, smtp_security="none"), timeout=5))
    assert (check.state, check.message) == (State.OK, f"127.0.0.1:{port} answers")


def test_smtp_without_the_encryption_we_ask_for(smtp: Callable[..., int]) -> None:
    check = only(check_mail(settings(transport="smtp", smtp_port=smtp()), timeout=5))
    assert check.state is State.FAIL
    assert "STARTTLS" in check.message


@pytest.mark.parametrize(("password", "state"), [("right", State.OK), ("hunter2", State.FAIL)])
def test_smtp_login(smtp: Callable[..., int], password: str, state: State) -> None:
    def allow(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == b"right", handled=False)

    port = smtp(authenticator=allow, auth_require_tls=False)
    values = {"smtp_port": port, "smtp_security": "none", "smtp_user": "cm", "smtp_password": password}
    check = only(check_mail(settings(transport="smtp", **values), timeout=5))
    assert check.state is state
    assert ("refused the user or password (535)" in check.message) is (state is State.FAIL)
    assert "hunter2" not in check.model_dump_json()


def test_mail_by_file_plug_in_and_redirect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert only(check_mail(settings(), timeout=1)).state is State.OK
    assert only(check_mail(settings(environment="production"), timeout=1)).state is State.WARN
    check = only(check_mail(settings(transport="pigeon"), timeout=1))
    assert (check.state, "pigeon" in check.message, "smtp" in check.mend) == (State.FAIL, True, True)
    redirected = check_mail(settings(redirect_all_mail_to="me@example.com"), timeout=1)
    assert redirected[1].message == "all mail goes to me@example.com"
    assert check_mail(settings(redirect_all_mail_to="me"), timeout=1)[1].state is State.FAIL


def prefect(server: HTTPServer, *, missing: str = "", paused: str = "", online: int = 1) -> dict[str, str]:
    server.expect_request("/api/health").respond_with_json(True)
    server.expect_request("/api/admin/version").respond_with_json(importlib.metadata.version("prefect"))
    for name in DEPLOYMENTS:
        path = f"/api/deployments/name/{name}"
        if name == missing:
            server.expect_request(path).respond_with_data(status=404)
        else:
            server.expect_request(path).respond_with_json(
                {"name": name, "work_pool_name": "cm", "paused": name == paused}
            )
    workers = [{"status": "ONLINE"}] * online + [{"status": "OFFLINE"}]
    server.expect_request("/api/work_pools/cm/workers/filter", method="POST").respond_with_json(workers)
    return {"PREFECT_API_URL": server.url_for("/api")}


def test_prefect_is_well(httpserver: HTTPServer) -> None:
    checks = check_prefect(prefect(httpserver), timeout=5)
    assert [(check.name, check.state) for check in checks] == [
        ("prefect", State.OK),
        ("deployments", State.OK),
        ("worker", State.OK),
    ]


def test_prefect_without_deployment_or_worker(httpserver: HTTPServer) -> None:
    environ = prefect(httpserver, missing=DEPLOYMENTS[0], paused=DEPLOYMENTS[1], online=0)
    messages = [check.message for check in check_prefect(environ, timeout=5) if check.state is State.WARN]
    assert messages == [
        f"not deployed: {DEPLOYMENTS[0]}",
        f"paused: {DEPLOYMENTS[1]}",
        "none is online in pool cm: scheduled runs wait",
    ]


def test_prefect_that_is_away_or_refuses(httpserver: HTTPServer) -> None:
    url = f"http://user:hunter2@127.0.0.1:{dead_port()}/api"
    check = only(check_prefect({"PREFECT_API_URL": url}, timeout=2))
    assert (check.state, "does not answer" in check.message) == (State.FAIL, True)
    assert "hunter2" not in check.model_dump_json()
    httpserver.expect_request("/api/health").respond_with_json(True)
    httpserver.expect_request("/api/admin/version").respond_with_data(status=401)
    httpserver.expect_request("/api/deployments/name/monitor-clients/on-demand").respond_with_data(status=401)
    check = only(check_prefect({"PREFECT_API_URL": httpserver.url_for("/api")}, timeout=5))
    assert (check.state, "refuses us (401)" in check.message) == (State.FAIL, True)


def test_a_prefect_server_open_to_all_and_one_of_another_version(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/admin/version").respond_with_json("4.1.0")
    environ = prefect(httpserver) | {"PREFECT_SERVER_API_HOST": "0.0.0.0"}
    messages = [check.message for check in check_prefect(environ, timeout=5) if check.state is State.WARN]
    assert any("the server is 4.1.0" in message for message in messages)
    assert any("lets other machines in unasked" in message for message in messages)


def test_a_check_that_breaks_does_not_hide_the_others(db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> list[Check]:
        raise smtplib.SMTPException("surprise")

    monkeypatch.setattr("services.doctor.check_mail", broken)
    checks = examine(NO_PREFECT, clock=NOW)
    assert "could not be checked: SMTPException: surprise" in by_name(checks)["mail"].message
    assert checks[-1].name == "alerts"


def test_a_source_that_is_left_alone_is_no_longer_well(tenant: Tenant) -> None:
    for name, on in (("gdelt", True), ("serper", False)):
        tenant.add(
            ProviderConfig(business_id=tenant.business_id, kind=ProviderKind.SOURCE, name=name, is_enabled=on)
        )
        tenant.add(
            ProviderHealth(
                business_id=tenant.business_id,
                kind=ProviderKind.SOURCE,
                name=name,
                failures=5,
                last_failed_at=NOW.now() - timedelta(minutes=3),
                open_until=NOW.now() + timedelta(minutes=2),
                last_error="the service answered with an error (503)",
            )
        )
    check = only(check_standing(get_settings(), NOW))  # what is off may be as it is
    assert (check.state, check.mend) == (
        State.WARN,
        "mend what it says, then: client-monitor providers test gdelt --business test",
    )
    assert check.message == (
        "test: gdelt (source) failed 5 times in a row, last failed 2026-11-30 23:57 UTC, never answered; "
        "not asked until 2026-12-01 00:02 UTC: the service answered with an error (503)"
    )
    later = FixedClock(NOW.now() + timedelta(hours=1))
    assert "the next run tries it again" in only(check_standing(get_settings(), later)).message
    breakers.succeeded(tenant.scope, ProviderKind.SOURCE, "gdelt")
    assert only(check_standing(get_settings(), NOW)).state is State.OK


def test_a_feeds_own_breaker_names_the_provider_to_try(tenant: Tenant) -> None:
    for _ in range(get_settings().breaker_failures):
        breakers.failed(tenant.scope, ProviderKind.SOURCE, "rss:0123abcd", "no answer", now=NOW.now())
    assert "providers test rss --business" in only(check_standing(get_settings(), NOW)).mend


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        (
            RunState.FAILED,
            {"error": "no source answered: gdelt: 503"},
            "failed: no source answered: gdelt: 503",
        ),
        (RunState.DEGRADED, {"degraded": ["a", "b", "c", "d"]}, "ended degraded: a; b; c; and 1 more"),
        (RunState.CRASHED, {"error": "its process died"}, "crashed: its process died"),
        (RunState.COMPLETED, {}, ""),
    ],
)
def test_a_last_run_that_did_not_end_well_is_told(
    tenant: Tenant, state: RunState, fields: dict[str, Any], words: str
) -> None:
    def run(state: RunState, at: datetime, **fields: Any) -> None:
        tenant.add(
            JobRun(
                business_id=tenant.business_id,
                job_type=JobType.CLIENT_MONITORING,
                state=state,
                as_of=at,
                started_at=at,
                **fields,
            )
        )

    run(RunState.FAILED, NOW.now() - timedelta(days=1), error="of yesterday")
    run(state, NOW.now(), **fields)
    run(RunState.RUNNING, NOW.now() + timedelta(hours=1))
    check = only(check_standing(get_settings(), NOW))
    assert (check.state is State.OK) == (words == "")
    assert words in check.message
    assert "yesterday" not in check.message
    assert check.state is State.OK or "client-monitor status --business test" in check.mend
