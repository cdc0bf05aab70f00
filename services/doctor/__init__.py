"""Looks at a deployment and says what is wrong and how to mend it. Changes nothing and sends no mail."""

import os
from collections.abc import Callable, Mapping, Sequence

import pydantic
from pydantic_settings import SettingsError

from models.clock import Clock, SystemClock
from models.settings import Settings
from services.doctor.alerts import check_alerts
from services.doctor.checks import Check, State, worst
from services.doctor.crm import check_crm
from services.doctor.database import check_businesses, check_database
from services.doctor.local import (
    check_clock,
    check_data_folder,
    check_disk,
    check_keys,
    check_settings,
    check_versions,
    check_zones,
    refused_settings,
)
from services.doctor.mail import check_mail, check_public_url, check_sender
from services.doctor.models import check_models
from services.doctor.prefect_api import check_prefect
from services.doctor.providers import check_providers
from services.doctor.sending import check_sending, check_signing
from services.doctor.signin import check_signin
from services.doctor.standing import check_standing
from services.doctor.web import check_web

__all__ = ["Check", "State", "examine", "worst"]


def examine(
    environ: Mapping[str, str] | None = None, *, clock: Clock | None = None, timeout: float = 5
) -> list[Check]:
    """Every check, in the order a person would go through them; ``timeout`` seconds for each connection."""
    environ = os.environ if environ is None else environ
    clock = clock or SystemClock()
    try:
        settings = Settings()
    except (pydantic.ValidationError, SettingsError) as error:
        rest = [check_zones(), check_clock(clock), *check_prefect(environ, timeout=timeout)]
        return [*refused_settings(error), *check_versions(), *rest]
    groups: Sequence[tuple[str, Callable[[], list[Check]]]] = (
        ("settings", lambda: check_settings(settings, environ)),
        ("versions", check_versions),
        ("data folder", lambda: [check_data_folder(settings.data_dir), check_disk(settings.data_dir)]),
        ("database", lambda: [*check_database(settings, timeout=timeout), *check_businesses(settings)]),
        ("prefect", lambda: check_prefect(environ, timeout=timeout)),
        ("mail", lambda: [check_sender(settings), *check_mail(settings, timeout=timeout)]),
        ("dkim", lambda: [check_signing(settings)]),
        ("sending", check_sending),
        ("links", lambda: [check_public_url(settings), *check_web(settings)]),
        ("sign-in", lambda: check_signin(settings)),
        ("time", lambda: [check_zones(), check_clock(clock)]),
        ("keys", lambda: [check_keys(settings)]),
        ("models", lambda: check_models(settings, clock)),
        ("providers", lambda: check_providers(settings, clock)),
        ("crm", lambda: check_crm(settings)),
        ("standing", lambda: check_standing(settings, clock)),
        ("alerts", lambda: check_alerts(settings, clock)),
    )
    checks: list[Check] = []
    for name, look in groups:
        try:
            checks += look()
        except Exception as error:  # a check that breaks must not hide the others
            mend = "report this: a check should not break"
            checks.append(Check.failed(name, f"could not be checked: {type(error).__name__}: {error}", mend))
    return checks
