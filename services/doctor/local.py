"""What can be told without a connection: settings, versions, folders, time, keys."""

import importlib.metadata
import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pydantic
from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic_settings import SettingsError

from models.clock import Clock
from models.settings import Settings
from services.doctor.checks import Check
from services.explain import settings_line, settings_lines

_OTHER_VARIABLES = {"CM_DEBUG"}

TOO_NEW = {
    "prefect": ("3.9", "it has not been tried with this program"),
    "fastapi": ("0.151", "Prefect 3.8's server and `prefect deploy` break on it"),
    "sqlalchemy": ("2.1", "Prefect 3.8's scheduler silently schedules nothing with it"),
}
"""First version that is known to break us, and how."""


def refused_settings(error: pydantic.ValidationError | SettingsError) -> list[Check]:
    """A failed check for each setting that was refused, without its value."""
    lines = [settings_line(error)] if isinstance(error, SettingsError) else settings_lines(error)
    return [Check.failed("settings", line, "mend it in .env or the environment") for line in lines]


def check_settings(
    settings: Settings, environ: Mapping[str, str], env_file: Path = Path(".env")
) -> list[Check]:
    """Whether every ``CM_`` variable is one of ours, and .env is for its owner's eyes only."""
    stored = dotenv_values(env_file) if env_file.is_file() else {}
    known = {f"CM_{name.upper()}" for name in type(settings).model_fields} | _OTHER_VARIABLES
    named = {name.upper() for name in (*environ, *stored) if name.upper().startswith("CM_")}
    checks = [
        Check.warning(
            "settings", f"{name} is no setting of this program", "correct its name: see .env.example"
        )
        for name in sorted(named - known)
    ]
    secrets = any(isinstance(getattr(settings, name), SecretStr) for name in type(settings).model_fields)
    if secrets and env_file.is_file() and os.name == "posix" and env_file.stat().st_mode & 0o077:
        checks.append(
            Check.warning("settings", "other users of this machine can read .env", "chmod 600 .env")
        )
    for address in settings.feeds:
        if not re.match(r"https?://[^/\s]+", address):
            checks.append(Check.warning("settings", f"CM_FEEDS: {address!r} is no web address", "correct it"))
    return checks or [Check.ok("settings", f"read; environment {settings.environment}")]


def _numbers(version: str) -> tuple[int, ...]:
    release = re.match(r"[\d.]+", version)
    return tuple(int(part) for part in re.findall(r"\d+", release.group() if release else "0")[:3])


def check_versions(version_of: Callable[[str], str] = importlib.metadata.version) -> list[Check]:
    """SQLite, and the libraries that break us when they are too new."""
    checks = []
    if sqlite3.sqlite_version_info < (3, 35):
        message = f"SQLite {sqlite3.sqlite_version} has no RETURNING"
        checks.append(
            Check.failed("versions", message, "use a Python with SQLite 3.35 or newer, or PostgreSQL")
        )
    found = []
    for package, (limit, reason) in TOO_NEW.items():
        try:
            version = version_of(package)
        except importlib.metadata.PackageNotFoundError:
            checks.append(
                Check.failed("versions", f"{package} is not installed", "install from requirements.lock")
            )
            continue
        found.append(f"{package} {version}")
        if _numbers(version) >= _numbers(limit):
            message = f"{package} {version} is too new: {reason}"
            checks.append(
                Check.failed("versions", message, f"install {package}<{limit} (requirements.lock has it)")
            )
    return checks or [Check.ok("versions", f"Python {sys.version.split()[0]}, {', '.join(found)}")]


def check_data_folder(folder: Path) -> Check:
    """Whether files can be written where the settings say, and others cannot read them."""
    mend = "make it, give it to the user who runs this, or set CM_DATA_DIR"
    place = folder.absolute()
    if folder.exists() and not folder.is_dir():
        return Check.failed("data folder", f"{place} is not a folder", mend)
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check.failed("data folder", f"{existing} cannot be written: {error.strerror}", mend)
    if existing != place:
        return Check.ok("data folder", f"{place} will be made")
    if os.name == "posix" and place.stat().st_mode & 0o077:
        message = f"other users of this machine can read {place}: the database and mails written as files"
        return Check.warning("data folder", message, f"chmod 700 {place}")
    return Check.ok("data folder", f"{place} can be written, and read by nobody else")


def check_disk(
    folder: Path, free_bytes: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free
) -> Check:
    """Whether there is room for a while: 200 MB is too little, 1 GB is little."""
    place = folder.absolute()
    free = free_bytes(next(parent for parent in (place, *place.parents) if parent.exists()))
    message = f"{free / 1e9:.1f} GB free"
    mend = "free some space, or keep less: CM_KEEP_RAW_DAYS, CM_KEEP_BODIES_DAYS"
    if free < 200e6:
        return Check.failed("disk", message, mend)
    return Check.warning("disk", message, mend) if free < 1e9 else Check.ok("disk", message)


def check_zones() -> Check:
    """Whether the IANA time zones are there."""
    try:
        ZoneInfo("America/New_York")
        count = len(available_timezones())
    except Exception as error:
        return Check.failed("time zones", f"not available: {error}", "install the tzdata package")
    return Check.ok("time zones", f"{count} known")


def check_clock(clock: Clock) -> Check:
    """Whether the clock can be right: this program was written in November 2026."""
    now = clock.now()
    if not date(2026, 11, 1) <= now.date() < date(2100, 1, 1):
        mend = "set the clock, or let the machine keep it (NTP): windows and freshness depend on it"
        return Check.failed("clock", f"says {now:%Y-%m-%d %H:%M} UTC, which cannot be", mend)
    return Check.ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def check_keys(settings: Settings) -> Check:
    """Which outside services have a key of the deployment's."""
    names = type(settings).model_fields
    keys = [name for name in names if name.endswith("_api_key") and getattr(settings, name) is not None]
    told = ", ".join(f"CM_{name.upper()}" for name in keys)
    return Check.ok(
        "keys", f"set: {told}" if keys else "none set: the rules classify, keyless sources search"
    )
