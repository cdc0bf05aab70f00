"""import-crm on the command line, from a HubSpot on a loopback server to clients in the database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from conftest import Tenant
from cryptography.fernet import Fernet
from desk import rows
from fakes import NewsServer
from hubspot import KEY, HubSpot, error
from typer.testing import CliRunner

from cli.main import app
from models.clients import Client, ClientAssignment
from models.settings import get_settings


@pytest.fixture
def hub(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpot]:
    """Two customers in a HubSpot that the tenant switched on with a key of its own."""
    with NewsServer() as server:
        monkeypatch.setenv("CM_SOURCE_URLS", json.dumps({"hubspot": server.url("")}))
        monkeypatch.setenv("CM_SECRET_KEYS", Fernet.generate_key().decode())
        monkeypatch.setenv("CM_HTTP_ATTEMPTS", "1")
        get_settings.cache_clear()
        enabled = CliRunner().invoke(
            app, ["providers", "enable", "hubspot", "--stdin", "--set", "tier_property=plan"], input=KEY
        )
        assert enabled.exit_code == 0, enabled.stderr
        assert KEY not in enabled.output
        made = HubSpot(server)
        made.owners = [{"id": "41", "email": "maria@example.com", "firstName": "Maria", "lastName": "Lopez"}]
        customer = {"lifecyclestage": "customer", "hubspot_owner_id": "41"}
        made.add("companies", 1, name="Acme", domain="acme.example.com", plan="Gold", **customer)
        made.add("companies", 2, name="Bolt [red]\x1b[31m", plan="growth", **customer)
        yield made


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["import-crm", *arguments])


def names(tenant: Tenant) -> list[str]:
    return sorted(client.name for client in rows(tenant, Client))


def told(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_the_provider_can_be_tried_before(tenant: Tenant, hub: HubSpot) -> None:
    hub.add("deals", 70, of=1, amount="5")
    tried = CliRunner().invoke(app, ["providers", "test", "hubspot"])
    assert "'Acme' has 1 open deal" in tried.output
    hub.forbidden = {"companies"}
    refused = CliRunner().invoke(app, ["providers", "test", "hubspot"])
    assert refused.exit_code == 1
    assert "lacks a scope" in refused.output


def test_a_dry_run_shows_the_difference_and_apply_carries_it_out(tenant: Tenant, hub: HubSpot) -> None:
    maria = tenant.add_user("maria@example.com")
    shown = call()
    assert shown.exit_code == 0
    for words in ("new", "Acme", "domain", "acme.example.com", "maria@example.com", "2 new, 0 changed"):
        assert words in shown.stdout
    assert "Bolt [red] [31m" in shown.stdout
    assert "dry run; add --apply" in shown.stderr
    assert "'Gold' is none of ours" in shown.stderr
    assert names(tenant) == []

    done = call("--apply", "--tier", "Gold=strategic")
    assert done.exit_code == 0
    assert "dry run" not in done.stderr
    assert names(tenant) == ["Acme", "Bolt [red] [31m"]
    assert [row.user_id for row in rows(tenant, ClientAssignment)] == [maria, maria]

    hub.objects["companies"]["1"]["domain"] = "acme.example"
    changed = call()
    assert "acme.example.com" in changed.stdout
    assert "0 new, 1 changed, 1 unchanged" in changed.stdout
    again = call("--apply")
    assert "0 new, 1 changed" in again.stdout
    assert "0 new, 0 changed, 2 unchanged" in call("--apply").stdout


def test_json_is_one_object_with_each_change(tenant: Tenant, hub: HubSpot) -> None:
    plan = told(call("--json"))
    assert plan["counts"] == {"new": 2, "changed": 0, "unchanged": 0, "refused": 0}
    assert plan["applied"] is False
    [acme] = [one for one in plan["accounts"] if one["crm_id"] == "1"]
    assert {"field": "domain", "before": None, "after": "acme.example.com"} in acme["changes"]
    assert told(call("--json", "--apply"))["applied"] is True
    quiet = told(call("--json", "--tier", "gold=growth", "--prefer-crm", "--apply"))
    assert quiet["counts"]["changed"] == 1
    hub.owners = []
    assert told(call("--json", "--tier", "gold=growth"))["accounts"] == []


def test_what_is_gone_is_named_and_archived_only_when_asked(tenant: Tenant, hub: HubSpot) -> None:
    call("--apply")
    del hub.objects["companies"]["2"]
    shown = call("--apply")
    assert "gone from hubspot: Bolt" in shown.stderr
    assert "--archive-missing archives them" in shown.stderr
    assert all(client.archived_at is None for client in rows(tenant, Client))
    assert "1 archived" in call("--apply", "--archive-missing").stdout
    assert [client.archived_at is None for client in rows(tenant, Client, name="Acme")] == [True]
    assert told(call("--json"))["gone"] == []


def test_a_company_merged_into_a_new_one_is_no_new_client_and_not_gone(tenant: Tenant, hub: HubSpot) -> None:
    call("--apply")
    acme = hub.objects["companies"].pop("1")
    hub.objects["companies"]["9"] = acme | {"hs_merged_object_ids": "1;8"}
    assert "0 new, 1 changed, 1 unchanged" in call("--apply", "--archive-missing").stdout
    [kept] = rows(tenant, Client, name="Acme")
    assert (kept.crm_id, kept.archived_at) == ("9", None)


def test_bad_accounts_are_named_and_the_others_go_in(tenant: Tenant, hub: HubSpot) -> None:
    hub.add("companies", 3, name="", lifecyclestage="customer")
    result = call("--apply")
    assert result.exit_code == 0
    assert (
        "refused: an account (3), name: a client needs a name → correct the account in the CRM"
        in result.stderr
    )
    assert len(names(tenant)) == 2


def test_when_nothing_can_go_in_it_ends_with_2(tenant: Tenant, hub: HubSpot) -> None:
    hub.objects["companies"] = {}
    empty = call("--apply", "--archive-missing")
    assert (empty.exit_code, "shows no customer accounts" in empty.stderr) == (2, True)
    hub.add("companies", 3, name="", lifecyclestage="customer")
    assert call().exit_code == 2


@pytest.mark.parametrize("late", [False, True])
def test_a_crm_that_fails_changes_nothing_and_says_what_to_do(
    tenant: Tenant, hub: HubSpot, late: bool
) -> None:
    call("--apply")
    hub.server.serve(hub.owners_path if late else hub.path("companies", "search"), error(503))
    result = call("--apply", "--archive-missing")
    assert result.exit_code == 1
    assert "503" in result.stderr
    assert "providers test hubspot" in result.stderr
    assert KEY not in result.stdout + result.stderr
    assert all(client.archived_at is None for client in rows(tenant, Client))


@pytest.mark.usefixtures("db")
def test_a_new_database_is_set_up_before_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CM_DATABASE_URL", f"sqlite:///{tmp_path / 'new.db'}")
    get_settings.cache_clear()
    result = call()
    assert result.exit_code == 2
    assert "no such table" not in result.stderr
    assert "business" in result.stderr


def test_without_a_crm_or_with_an_unknown_one_it_says_how_to_go_on(tenant: Tenant) -> None:
    none = call()
    assert (none.exit_code, "no CRM is switched on" in none.stderr) == (2, True)
    unknown = call("--from", "nix")
    assert unknown.exit_code == 1
    assert "no crm is called 'nix'" in unknown.stderr


def test_a_translation_that_is_none_is_refused(tenant: Tenant, hub: HubSpot) -> None:
    result = call("--tier", "Gold")
    assert result.exit_code == 2
    assert "Gold=strategic" in result.stderr
    assert hub.server.asked == []
