"""What a tenant may spend on language models: by run, day and month, in money and in calls."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from models.settings import Settings
from tasks.about import Field, amount, whole
from tasks.classify.ai.ledger import Budgets

PERIODS = ("run", "day", "month")
VENDORS = {"openai", "anthropic"}
"""Providers whose keys are accounts that somebody pays for."""

FIELDS = (
    *(Field(f"usd_per_{period}", f"US dollars a {period}", read=amount(0, 100_000)) for period in PERIODS),
    *(Field(f"calls_per_{period}", f"calls a {period}", read=whole(0, 1_000_000)) for period in PERIODS),
)
"""What a tenant may set; the deployment's ``CM_AI_USD_PER_…`` and ``CM_AI_CALLS_PER_…`` hold where it does not."""


def pays_itself(provider: str, options: Mapping[str, Any], *, has_own_key: bool) -> bool:
    """Whether the tenant pays for what it asks: with its own key, at a vendor or at an address of its own.

    A key for the deployment's server proves nothing: one that wants no key takes any.
    """
    return has_own_key and (provider in VENDORS or bool(options.get("base_url")))


def budgets_of(
    settings: Settings,
    business_id: UUID,
    options: Mapping[str, Any],
    now: datetime,
    *,
    pays_itself: bool,
    job_run_id: UUID | None,
) -> Budgets:
    """The tenant's budgets at this instant, in UTC days and months; outside of a run there is none for it.

    Who asks at the deployment's expense may spend less than it allows, never more: see ``pays_itself``.
    """
    spans = {"run": str(job_run_id), "day": f"{now:%Y-%m-%d}", "month": f"{now:%Y-%m}"}

    def limit(what: str) -> float:
        allowed = float(getattr(settings, f"ai_{what}"))
        own = options.get(what)
        if own is None:
            return allowed
        return float(own) if pays_itself else min(float(own), allowed)

    def limits(unit: str) -> dict[str, float]:
        return {
            f"ai-{unit}/{business_id}/{period}/{spans[period]}": limit(f"{unit}_per_{period}")
            for period in PERIODS
            if period != "run" or job_run_id is not None
        }

    return Budgets(money=limits("usd"), calls=limits("calls"))
