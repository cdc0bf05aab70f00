"""What went wrong, and what a person can do about it: the same two sentences for every door."""

import re
from dataclasses import dataclass

import pydantic
from pydantic_settings import SettingsError
from sqlalchemy.exc import DBAPIError, IntegrityError

from models.leases import LeaseBusy, LeaseLost
from services.errors import UserError
from tasks.registry import UnknownProvider
from tasks.search.source import SourceError


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure in words. Neither sentence holds a secret's value."""

    message: str
    mend: str = ""
    bad_input: bool = False
    """It cannot be done as asked, rather than was tried and failed."""


def plain_message(detail: str) -> str:
    """pydantic's sentence without its prefix, fit for the middle of a line."""
    text = detail.removeprefix("Value error, ").strip()
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def settings_lines(error: pydantic.ValidationError) -> list[str]:
    """One line a setting that was refused, by the name it has in the environment; values are left out."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        message = plain_message(fault["msg"])
        lines.append(f"CM_{name.upper()}: {message}" if name else message)
    return lines


def settings_line(error: SettingsError) -> str:
    """The one setting that could not even be parsed, by its name in the environment."""
    found = re.search(r'field "(\w+)"', str(error))
    name = f"CM_{found.group(1).upper()}" if found else "a setting"
    return f'{name}: cannot be read; a list is written as JSON, ["a", "b"]'


def explain(error: BaseException) -> Problem | None:
    """The failure in words, or None when it is not one we know: then it is a bug."""
    if isinstance(error, UserError):
        return Problem(str(error), error.mend, getattr(error, "bad_input", True))
    if isinstance(error, pydantic.ValidationError | SettingsError):
        return _explain_settings(error)
    if isinstance(error, IntegrityError):
        return Problem("somebody else changed the same rows at the same moment", "run it again")
    if isinstance(error, DBAPIError):
        return _explain_database(error)
    if isinstance(error, SourceError):
        mend = getattr(error, "mend", "see `client-monitor run --help` for how a source is named")
        return Problem(str(error), mend, True)
    if isinstance(error, UnknownProvider):
        return Problem(str(error.args[0]), "choose one of those, or install the package that brings it", True)
    if isinstance(error, LeaseBusy | LeaseLost):
        return Problem(str(error), "wait for the other run to end, then run this again; nothing is lost")
    if isinstance(error, OSError):
        return _explain_os(error)
    return None


def _explain_settings(error: pydantic.ValidationError | SettingsError) -> Problem | None:
    if isinstance(error, SettingsError):
        lines = [settings_line(error)]
    elif error.title == "Settings":
        lines = settings_lines(error)
    else:
        return None
    mend = "mend them in .env or the environment (see .env.example), then try `client-monitor doctor`"
    return Problem("settings: " + "; ".join(lines), mend, True)


_DATABASE = (
    (
        r"no such table|no such column|has no column|undefinedtable|undefinedcolumn",
        "the database's schema is missing or older than this program",
        "run `client-monitor init`: it brings the schema up to date",
    ),
    (
        r"database is locked|database table is locked|locknotavailable",
        "the database is locked: another process has been writing for too long",
        "wait for the other run to end and try again; for many writers set CM_DATABASE_URL to PostgreSQL",
    ),
    (
        r"authentication failed|no password supplied|role .* does not exist",
        "the database refused the user or password",
        "check the user and password in CM_DATABASE_URL",
    ),
    (
        r"database \S+ does not exist",
        "the database named in CM_DATABASE_URL does not exist",
        "create it (createdb), or correct the name",
    ),
    (
        r"connection refused|connection failed|could not connect|server closed the connection|timeout expired"
        r"|could not translate host|name or service not known|failed to resolve|terminating connection",
        "the database cannot be reached",
        "start it, and check the host and port in CM_DATABASE_URL",
    ),
    (
        r"unable to open database file|readonly database|read-only",
        "the database file cannot be written",
        "check that CM_DATA_DIR exists and belongs to the user who runs this",
    ),
    (r"disk is full|no space left", "the disk is full", "free some space and run it again; nothing is lost"),
    (
        r"not a database|malformed|disk image",
        "the database file is damaged or is no SQLite database",
        "put back a backup, or move the file away and run `client-monitor init`",
    ),
)


def _explain_database(error: DBAPIError) -> Problem:
    """A database error by its cause. Statements and parameters are left out: they hold people's data."""
    cause = f"{type(error.orig).__name__}: {error.orig}"
    for pattern, message, mend in _DATABASE:
        if re.search(pattern, cause, re.IGNORECASE | re.DOTALL):
            return Problem(message, mend)
    first = (str(error.orig).strip().splitlines() or [type(error).__name__])[0]
    return Problem(f"the database said: {first}", "run `client-monitor doctor`")


def _explain_os(error: OSError) -> Problem | None:
    where = f" {error.filename}" if error.filename else ""
    if isinstance(error, ConnectionError):
        return Problem(f"a connection failed: {error.strerror or error}", "run `client-monitor doctor`")
    if isinstance(error, FileNotFoundError) and where:
        return Problem(f"there is no file{where}", "check the path", True)
    if isinstance(error, IsADirectoryError):
        return Problem(f"{where.strip()} is a folder, not a file", "name a file in it", True)
    if isinstance(error, PermissionError):
        if error.errno is None:  # raised by our own guards, not by the operating system
            return Problem(str(error), "ask an owner or admin of the business", True)
        return Problem(f"no permission for{where}", "check who owns it", True)
    if error.errno is not None and error.strerror:
        return Problem(f"{error.strerror}{':' + where if where else ''}", "run `client-monitor doctor`")
    return None
