"""The command line: init, import-clients, import-users, doctor, and the boundary where failures become sentences."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from keyring import PASSWORD
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.main import Boundary, app
from models.accounts import users
from models.clients import active_clients
from models.engine import engine_for, get_engine, reading
from models.scope import Scope
from models.settings import get_settings
from services.accounts import find_business
from services.errors import UserError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clone nobody has used: no database, an empty folder of its own."""
    monkeypatch.delenv("CM_DATABASE_URL", raising=False)
    monkeypatch.delenv("CM_DEBUG", raising=False)
    monkeypatch.setenv("CM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield tmp_path
    with contextlib.suppress(ValueError):  # settings that a test has spoilt
        get_engine().dispose()
    engine_for.cache_clear()
    get_settings.cache_clear()


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_help_and_version() -> None:
    result = call("--help")
    assert result.exit_code == 0
    for command in (
        "init",
        "import-clients",
        "import-users",
        "doctor",
        "evaluate",
        "explain",
        "story",
        "patterns",
        "feedback",
        "run",
        "demo",
        "status",
        "why",
    ):
        assert command in result.stdout
    assert call("--version").stdout.startswith("client-monitor ")
    for command in (
        "init",
        "import-clients",
        "import-users",
        "doctor",
        "explain",
        "story",
        "patterns",
        "feedback",
    ):
        assert call(command, "--help").exit_code == 0


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, cli.main; "
        "print([name for name in ('prefect', 'sqlalchemy', 'scipy', 'pydantic_settings') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_clients_go_in_on_a_fresh_clone_without_init(fresh: Path, shared_data: Path) -> None:
    result = call("import-clients", shared_data / "portfolio.csv")
    assert result.exit_code == 0, result.stderr
    assert "main: clients: 40 created, 0 updated, 0 unchanged" in result.stdout
    assert "assignments: 40 started, 0 ended" in result.stdout
    assert "invited 4: maria@example.com, tom@example.com" in result.stdout
    assert result.stderr == ""
    again = call("import-clients", shared_data / "portfolio.csv")
    assert (again.exit_code, again.stdout) == (0, "main: clients: 0 created, 0 updated, 40 unchanged\n")


def test_good_rows_go_in_and_bad_ones_are_warnings(fresh: Path) -> None:
    path = put(
        fresh,
        "clients.csv",
        "name,tier,assigned_to,colour\nAcme,growth,nobody,red\nBolt [x],gold,,\nCask,,,\n",
    )
    result = call("import-clients", path)
    assert result.exit_code == 0
    assert result.stdout == "main: clients: 1 created, 0 updated, 0 unchanged, 2 refused\n"
    assert result.stderr.splitlines() == [
        "clients.csv: columns not used: colour",
        "clients.csv row 2, assigned_to: 'nobody' is no e-mail address: it needs a name, an @ and a domain",
        "clients.csv row 3, tier: 'gold' is no tier: use strategic, growth, standard",
        "the other rows went in; mend these and import the file again",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,tier\nAcme,gold\n", "nothing of clients.csv could be imported"),
        ("name,tier\n", "clients.csv has no rows"),
        ("", "clients.csv is empty"),
        ("company\nAcme\n", "clients.csv row 1: column name is missing; found: company"),
    ],
)
def test_a_file_of_no_use_is_exit_2(fresh: Path, text: str, message: str) -> None:
    result = call("import-clients", put(fresh, "clients.csv", text))
    assert result.exit_code == 2
    assert message in result.stderr
    assert "→" in result.stderr
    assert "Traceback" not in result.stderr


def test_paths_and_businesses_that_are_not_there(fresh: Path) -> None:
    result = call("import-clients", fresh / "nix.csv")
    assert (result.exit_code, "there is no file" in result.stderr) == (2, True)
    result = call("import-clients", fresh)
    assert (result.exit_code, "is a folder, not a file" in result.stderr) == (2, True)
    path = put(fresh, "clients.csv", "name\nAcme\n")
    result = call("import-clients", path, "--business", "nix")
    assert (result.exit_code, "there is no business 'nix'; known: main" in result.stderr) == (2, True)
    assert call("import-clients").exit_code == 2
    assert call("nonsense").exit_code == 2


def test_people(fresh: Path) -> None:
    path = put(
        fresh,
        "people.csv",
        "email,role,timezone\nmaria@example.com,admin,Europe/Paris\nb@example.com,,Mars\n",
    )
    result = call("import-users", path)
    assert result.exit_code == 0
    assert result.stdout == "main: people: 1 created, 0 updated, 0 unchanged, 1 refused\n"
    assert "people.csv row 3, timezone: 'Mars' is no time zone" in result.stderr
    assert call("import-users", put(fresh, "bad.csv", "email\nnobody\n")).exit_code == 2


def test_init_is_safe_to_run_again(db: Engine) -> None:
    arguments = ("init", "--business", "acme", "--name", "Acme", "--owner-email", "boss@example.com")
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    assert "business acme (Acme) created" in result.stdout
    assert "boss@example.com owns acme" in result.stdout
    result = call(*arguments)
    assert result.exit_code == 0
    assert "business acme (Acme) is there already" in result.stdout
    business = find_business("acme")
    assert business is not None
    with reading(Scope.system(business.id)) as session:
        assert len(users(Scope.system(business.id), session)) == 1


def test_init_names_what_nobody_has_named_and_no_more_than_that(fresh: Path) -> None:
    call("init")
    result = call("init", "--name", "The Firm")
    assert result.stdout.splitlines()[-2:] == [
        "business main (Main) is there already",
        "it is called The Firm now",
    ]
    result = call("init", "--name", "Another")
    assert "it keeps its name, The Firm; to change it, run this again with --rename" in result.stderr
    assert call("init", "--name", "The Firm", "--rename").stderr.count("keeps its name") == 0
    assert "it is called Another now" in call("init", "--name", "Another", "--rename").stdout
    business = find_business("main")
    assert business is not None
    assert business.name == "Another"


def test_init_without_an_owner_says_so_and_bad_input_is_exit_2(fresh: Path) -> None:
    result = call("init")
    assert result.exit_code == 0
    assert "database migrated: " in result.stdout
    assert "no owner yet" in result.stderr
    result = call("init", "--owner-email", "boss")
    assert (result.exit_code, "'boss' is no e-mail address" in result.stderr) == (2, True)
    result = call("init", "--owner-email", "boss@example.com", "--timezone", "Mars")
    assert (result.exit_code, "no time zone" in result.stderr) == (2, True)
    assert call("init", "--business", "no good").exit_code == 2


def test_a_setting_that_is_refused(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_ANTHROPIC_API_KEY", "your-key-goes-here")
    get_settings.cache_clear()
    result = call("init")
    assert result.exit_code == 2
    assert "settings: CM_ANTHROPIC_API_KEY: this looks like a placeholder" in result.stderr
    assert "goes-here" not in result.stderr
    assert result.stdout == ""


def test_a_database_that_is_locked(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.engine.BUSY_TIMEOUT_MS", 50)
    path = put(fresh, "clients.csv", "name\nAcme\n")
    assert call("import-clients", path).exit_code == 0
    other = sqlite3.connect(fresh / "var" / "client-monitor.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    result = call("import-clients", path)
    other.execute("ROLLBACK")
    other.close()
    assert result.exit_code == 1
    assert "the database is locked" in result.stderr
    assert call("import-clients", path).exit_code == 0


def test_a_database_that_is_not_there(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_DATABASE_URL", "postgresql://cm:hunter2@127.0.0.1:9/cm")
    get_settings.cache_clear()
    result = call("init")
    assert result.exit_code == 1
    assert "the database cannot be reached" in result.stderr
    assert "hunter2" not in result.stderr


def test_doctor(fresh: Path) -> None:
    result = call("doctor")
    assert result.exit_code == 0, result.stdout
    assert "does not exist yet" in result.stdout
    assert not (fresh / "var").exists()
    call("init", "--owner-email", "boss@example.com")
    call("import-clients", put(fresh, "clients.csv", "name\nAcme\n"))
    assert "main: no source is switched on" in call("doctor").stdout
    call("providers", "enable", "google_news")
    assert "main: no owner has a password" in call("doctor").stdout
    CliRunner().invoke(app, ["user", "password", "boss@example.com", "--stdin"], input=PASSWORD)
    found = json.loads(call("doctor", "--json").stdout)
    assert found["state"] == "ok", found
    assert {check["name"] for check in found["checks"]} >= {
        "settings",
        "database",
        "schema",
        "prefect",
        "mail",
    }


def test_doctor_fails_where_something_does(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_SMTP_PORT", "0")
    get_settings.cache_clear()
    result = call("doctor", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1])["state"] == "fail"
    assert "CM_SMTP_PORT" in call("doctor").stdout


def boundary(error: Exception) -> Result:
    """What the command line makes of a command that raises ``error``."""
    broken = typer.Typer(cls=Boundary)

    @broken.callback()
    def root() -> None:
        pass

    @broken.command("break")
    def _break() -> None:
        raise error

    return CliRunner().invoke(broken, ["break"])  # type: ignore[return-value]


def test_the_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CM_DEBUG", raising=False)
    result = boundary(UserError("no client is called [Acme]\x1b[2J", "see the list"))
    assert (result.exit_code, result.stderr) == (2, "no client is called [Acme][2J\n→ see the list\n")
    result = boundary(ValueError("surprise\nwith more"))
    assert result.exit_code == 1
    assert result.stderr.startswith("unexpected: ValueError: surprise\n→ this is a bug")
    monkeypatch.setenv("CM_DEBUG", "1")
    result = boundary(ValueError("surprise"))
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
    assert boundary(typer.Exit(7)).exit_code == 7  # type: ignore[arg-type]


def test_as_a_program(fresh: Path) -> None:
    """Through the installed script: exit codes, streams, no traceback, data folder from the environment."""
    program = Path(sys.executable).with_name("client-monitor")
    path = put(fresh, "clients.csv", "name;assigned_to\nAcme;maria@example.com\nBolt;nobody\n")

    def go(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            cwd=fresh,
            capture_output=True,
            text=True,
            env=dict(os.environ),
            check=False,
        )

    done = go("import-clients", str(path))
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "main: clients: 1 created, 0 updated, 0 unchanged, 1 refused",
    )
    assert "clients.csv row 3, assigned_to" in done.stderr
    done = go("import-clients", "nix.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "there is no file nix.csv\n→ check the path\n"
    business = find_business("main")
    assert business is not None
    with reading(Scope.system(business.id)) as session:
        assert [client.name for client in active_clients(Scope.system(business.id), session)] == ["Acme"]


def test_evaluate_prints_one_json_object_last(fresh: Path) -> None:
    line = {"title": "Acme raises $20 million in Series B funding", "category": "funding"}
    path = put(fresh, "labelled.jsonl", json.dumps(line) + "\nnonsense\n")
    result = call("evaluate", "categories", path, "--errors", "--by", "category")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert {"accuracy", "macro_f1", "macro_f1_with_alt", "per_category", "items_per_second"} == set(figures)
    assert "labelled.jsonl line 2: not JSON" in result.stderr


def test_evaluate_without_a_line_it_can_use_is_exit_2(fresh: Path) -> None:
    path = put(fresh, "labelled.jsonl", "nonsense\n")
    for what in ("stories", "companies", "categories"):
        result = call("evaluate", what, path)
        assert (result.exit_code, "no line that can be measured" in result.stderr) == (2, True), what
    assert call("evaluate", "categories", fresh / "nix.jsonl").exit_code == 2
    result = call("evaluate", "categories", path, "--classifier", "oracle")
    assert (result.exit_code, "no classifier is called 'oracle'" in result.stderr) == (2, True)
