"""Whether a language model that somebody chose is about to be shut down."""

from sqlmodel import Session, col, select

from models.accounts import Business
from models.clock import Clock
from models.providers import ProviderConfig, ProviderKind
from models.settings import Settings
from services.doctor.checks import Check
from services.doctor.database import from_ledger
from tasks.classify.ai.ends import end_of

_MEND = "choose a current model"


def check_models(settings: Settings, clock: Clock) -> list[Check]:
    """A check for each model with an announced end that the settings or a tenant's switched-on classifier name."""
    names = [name for name in type(settings).model_fields if name.endswith("_model")]
    chosen = {f"CM_{name.upper()}": str(getattr(settings, name)) for name in names}

    def ends(chosen: dict[str, str]) -> list[Check]:
        found = (_check(where, model, clock) for where, model in chosen.items())
        return [check for check in found if check is not None]

    found = ends(chosen) + from_ledger(settings, lambda session: ends(_of_tenants(session)))
    return found or [Check.ok("models", "none that was chosen has an announced end")]


def _of_tenants(session: Session) -> dict[str, str]:
    """Where a tenant chose a model, in words, and which."""
    query = (
        select(Business.slug, ProviderConfig)
        .join(ProviderConfig, col(ProviderConfig.business_id) == Business.id)
        .where(ProviderConfig.kind == ProviderKind.CLASSIFIER, col(ProviderConfig.is_enabled))
        .order_by(col(Business.slug), col(ProviderConfig.name))
    )
    return {
        f"{slug}: {config.name}": str(config.options["model"])
        for slug, config in session.exec(query)
        if config.options.get("model")
    }


def _check(where: str, model: str, clock: Clock) -> Check | None:
    end = end_of(model)
    if end is None:
        return None
    gone = end <= clock.now().date()
    message = f"{where}: {model} {'was' if gone else 'is'} shut down on {end:%Y-%m-%d}"
    return (Check.failed if gone else Check.warning)("models", message, _MEND)
