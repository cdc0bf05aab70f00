"""The limits of what language models may cost a tenant: where each comes from, and what it may change of them."""

from collections.abc import Mapping

from pydantic import BaseModel

from models.engine import reading
from models.providers import ProviderKind
from models.scope import Scope
from models.settings import get_settings
from services.accounts import require_admin
from services.errors import UserError
from services.providers import enable
from services.spend import pays_for
from tasks.classify.ai.budgets import FIELDS, PERIODS
from tasks.classify.connect import in_force


class Limit(BaseModel):
    """One budget: in US dollars (``usd``) or calls, a run, day or month."""

    field: str
    """As it is stored among the model's options."""
    unit: str
    period: str
    deployment: float
    own: float | None
    """What the tenant chose; None: it chose nothing."""
    in_force: float


class Limits(BaseModel):
    """The budgets of the language model that is on."""

    classifier: str
    pays_itself: bool
    """Whether the tenant may go beyond the deployment's limits: what it asks goes on its own account."""
    limits: list[Limit]


def limits_of(scope: Scope) -> Limits | None:
    """The limits in force; None where no language model is on. For admins."""
    require_admin(scope)
    with reading(scope) as session:
        config = in_force(scope, session)
    if config is None:
        return None
    settings, pays = get_settings(), pays_for(config)
    limits = []
    for unit in ("usd", "calls"):
        for period in PERIODS:
            name = f"{unit}_per_{period}"
            allowed, own = float(getattr(settings, f"ai_{name}")), config.options.get(name)
            in_force_now = allowed if own is None else float(own) if pays else min(float(own), allowed)
            limits.append(
                Limit(
                    field=name, unit=unit, period=period, deployment=allowed, own=own, in_force=in_force_now
                )
            )
    return Limits(classifier=config.name, pays_itself=pays, limits=limits)


def change_limits(scope: Scope, changes: Mapping[str, str]) -> tuple[str, ...]:
    """Set the tenant's own limits as they were typed, an empty one to forget it; those that really changed.

    Where the deployment pays, a limit above its own has no effect. UserError for what is no limit, and where no model
    is on.
    """
    limits = limits_of(scope)
    if limits is None:
        raise UserError("no language model is on", "switch one on first: budgets belong to it")
    known = {field.name for field in FIELDS}
    if unknown := sorted(changes.keys() - known):
        raise UserError(f"{', '.join(unknown)} is no budget", f"the budgets are: {', '.join(sorted(known))}")
    return enable(scope, limits.classifier, kind=ProviderKind.CLASSIFIER, options=changes).options
