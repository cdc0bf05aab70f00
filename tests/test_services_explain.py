"""Failures in words, without secrets."""

import sqlite3

import httpx
import psycopg
import pydantic
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from models.leases import LeaseBusy
from models.settings import Settings
from services.errors import UserError
from services.explain import explain
from services.setup import SchemaTooNew
from tasks.registry import SOURCES, UnknownProvider, load


def sentence(error: BaseException) -> str:
    problem = explain(error)
    assert problem is not None
    assert problem.mend
    assert "\n" not in problem.message
    return problem.message


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (sqlite3.OperationalError("no such table: clients"), "schema is missing"),
        (sqlite3.OperationalError("no such column: clients.x"), "schema is missing"),
        (psycopg.errors.UndefinedTable('relation "clients" does not exist\nLINE 1: …'), "schema is missing"),
        (sqlite3.OperationalError("database is locked"), "database is locked"),
        (psycopg.OperationalError("connection failed: … Connection refused\n\tIs it running?"), "be reached"),
        (
            psycopg.OperationalError('FATAL:  password authentication failed for user "cm"'),
            "user or password",
        ),
        (psycopg.OperationalError('FATAL:  database "nix" does not exist'), "does not exist"),
        (sqlite3.OperationalError("unable to open database file"), "cannot be written"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot be written"),
        (sqlite3.OperationalError("database or disk is full"), "disk is full"),
        (sqlite3.DatabaseError("file is not a database"), "damaged"),
        (sqlite3.OperationalError("something else\nentirely"), "the database said: something else"),
    ],
)
def test_database_errors(cause: Exception, message: str) -> None:
    error = OperationalError("INSERT INTO users VALUES (?)", ("maria@example.com",), cause)
    said = sentence(error)
    assert message in said
    assert "maria" not in said
    assert sentence(ProgrammingError("SELECT 1", (), cause)) == said


def test_two_writers_of_the_same_row() -> None:
    said = sentence(
        IntegrityError("INSERT", ("secret",), sqlite3.IntegrityError("UNIQUE constraint failed: x.y"))
    )
    assert "same moment" in said


def test_settings_by_their_names_without_values() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings(smtp_port=99999, openai_api_key="sk-your-key", anthropic_api_key="changeme-now")  # type: ignore[arg-type]
    said = sentence(caught.value)
    assert "CM_SMTP_PORT: " in said
    assert "CM_OPENAI_API_KEY: this looks like a placeholder" in said
    assert "CM_ANTHROPIC_API_KEY: this looks like a placeholder" in said
    assert "sk-your-key" not in said
    assert "changeme" not in said


def test_a_rule_over_several_settings_is_told_too() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings(smtp_host="mail.example.com", smtp_security="none", smtp_password="real")  # type: ignore[arg-type]
    assert "in clear" in sentence(caught.value)
    assert "real" not in sentence(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://a.example/f", ["https://a.example/f"]),
        (" https://a.example/f?x=1,2  https://b.example, https://c.example ",
         ["https://a.example/f?x=1,2", "https://b.example", "https://c.example"]),
        ('["https://a.example/f"]', ["https://a.example/f"]),
        ("", []),
    ],
)  # fmt: skip
def test_feeds_are_addresses_separated_by_blanks(
    written: str, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CM_FEEDS", written)
    assert Settings(_env_file=None).feeds == read  # type: ignore[call-arg]


def test_a_feed_list_that_is_broken_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_FEEDS", '["https://a.example/f"')
    with pytest.raises(pydantic.ValidationError) as caught:
        Settings(_env_file=None)  # type: ignore[call-arg]
    assert "CM_FEEDS" in sentence(caught.value)


@pytest.mark.parametrize(
    ("error", "message", "bad_input"),
    [
        (UserError("no such thing", "look again"), "no such thing", True),
        (SchemaTooNew("too new", "install it"), "too new", False),
        (FileNotFoundError(2, "No such file", "clients.csv"), "there is no file clients.csv", True),
        (IsADirectoryError(21, "Is a directory", "data"), "data is a folder, not a file", True),
        (PermissionError(13, "Permission denied", "secret.csv"), "no permission for secret.csv", True),
        (PermissionError("a viewer may not change clients"), "a viewer may not change clients", True),
        (ConnectionRefusedError(111, "Connection refused"), "a connection failed: Connection refused", False),
        (OSError(28, "No space left on device"), "No space left on device", False),
        (LeaseBusy("host:1 holds the lease 'monitor'"), "host:1 holds the lease 'monitor'", False),
    ],
)
def test_known_errors(error: Exception, message: str, bad_input: bool) -> None:
    problem = explain(error)
    assert problem is not None
    assert (problem.message, problem.bad_input) == (message, bad_input)
    assert problem.mend


def test_an_unknown_provider_lists_the_known() -> None:
    with pytest.raises(UnknownProvider) as caught:
        load(SOURCES, "nix")
    assert sentence(caught.value).startswith("no source is called 'nix'; installed: ")


def test_what_we_do_not_know_is_a_bug() -> None:
    assert explain(ZeroDivisionError()) is None
    assert explain(httpx.ReadTimeout("slow")) is None
    with pytest.raises(pydantic.ValidationError) as caught:
        pydantic.TypeAdapter(int).validate_python("x")
    assert explain(caught.value) is None
