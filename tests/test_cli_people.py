"""The command line's people: the first owner's password, invitations, roles, and who is out."""

import json

import pytest
from apptest import sign_in
from click.testing import Result
from conftest import Tenant
from keyring import OTHER, PASSWORD, account_mails, add_person
from typer.testing import CliRunner

from cli.main import app
from models.mail import Delivery, DeliveryState
from services.signin import viewer_of
from services.signin.attempt import check_password


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=given)


def test_the_first_owner_gets_in_by_command_line(tenant: Tenant) -> None:
    told = run("init", "--business", "test", "--owner-email", "maria@example.com")
    assert "to sign in: client-monitor user password maria@example.com" in told.stderr
    weak = run("user", "password", "maria@example.com", "--stdin", given="password123456789\n")
    assert (weak.exit_code, "commonly used" in weak.stderr) == (2, True)
    done = run("user", "password", "Maria@example.com", "--stdin", given=f"{PASSWORD}\n")
    assert (done.exit_code, done.stdout) == (0, "maria@example.com can sign in with it now\n")
    assert PASSWORD not in done.output
    assert check_password("maria@example.com", PASSWORD)


def test_without_a_terminal_a_password_is_not_asked_for(tenant: Tenant) -> None:
    add_person(tenant)
    refused = run("user", "password", "maria@example.com", given="x\nx\n")
    assert (refused.exit_code, "--stdin" in refused.stderr) == (2, True)


def test_a_new_password_signs_out_and_is_told(tenant: Tenant) -> None:
    token = sign_in(tenant, add_person(tenant))
    assert run("user", "password", "maria@example.com", "--stdin", given=OTHER).exit_code == 0
    assert viewer_of(token) is None
    assert [subject for _to, subject, _text in account_mails(tenant)] == ["Your password was changed"]


def test_somebody_is_invited_made_admin_sent_away_and_back(tenant: Tenant) -> None:
    from desk import rows

    add_person(tenant)
    invited = run("user", "invite", "tom@example.com", "--role", "viewer", "--name", "Tom")
    assert invited.stdout == "tom@example.com is invited as viewer\n"
    [mail] = rows(tenant, Delivery)
    assert mail.state is DeliveryState.SENT
    assert run("user", "invite", "maria@example.com").exit_code == 2
    assert run("user", "role", "tom@example.com", "admin").stdout == "tom@example.com is admin now\n"
    assert run("user", "role", "tom@example.com", "king").exit_code == 2
    assert run("user", "deactivate", "nobody@example.com").exit_code == 2
    token = sign_in(tenant, add_person(tenant, "ann@example.com"))
    assert run("user", "deactivate", "ann@example.com").stdout == "ann@example.com is deactivated\n"
    assert viewer_of(token) is None
    assert run("user", "reactivate", "ann@example.com").stdout == "ann@example.com is active\n"
    listed = run("user", "list").stdout.splitlines()
    assert [line.split()[:3] for line in listed] == [
        ["ann@example.com", "manager", "active"],
        ["maria@example.com", "manager", "active"],
        ["tom@example.com", "admin", "invited"],
    ]
    people = json.loads(run("user", "list", "--json").stdout)["people"]
    assert [one["has_password"] for one in people] == [True, True, False]


def test_sessions_are_shown_and_ended(tenant: Tenant) -> None:
    token = sign_in(tenant, add_person(tenant))
    assert "an unnamed browser" in run("user", "sessions", "maria@example.com").stdout
    assert viewer_of(token) is not None
    assert run("user", "sessions", "maria@example.com", "--end").stdout.endswith("1 signed out\n")
    assert viewer_of(token) is None


@pytest.mark.parametrize(
    "command", ["list", "password", "invite", "role", "deactivate", "reactivate", "sessions"]
)
def test_each_command_explains_itself(command: str) -> None:
    assert run("user", command, "--help").exit_code == 0
