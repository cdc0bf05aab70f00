"""Whether the CRMs that are switched on could be asked: installed, with keys that open and options that will do."""

from sqlmodel import Session, col, select

from models.accounts import Business
from models.crm import INVENTED
from models.providers import ProviderConfig, ProviderKind
from models.scope import Scope
from models.settings import Settings
from services.doctor.checks import Check
from services.doctor.database import from_ledger
from services.providers.keystate import keys_of
from tasks.enrich import connect
from tasks.enrich.crm import CrmError, Http


def check_crm(settings: Settings) -> list[Check]:
    """Each business's CRM, in the order of their names. Nothing is asked over the network."""
    return from_ledger(settings, lambda session: _of_tenants(session, settings))


def _of_tenants(session: Session, settings: Settings) -> list[Check]:
    on = (
        select(Business.slug, ProviderConfig)
        .join(ProviderConfig, col(ProviderConfig.business_id) == col(Business.id))
        .where(
            ProviderConfig.kind == ProviderKind.CRM,
            col(ProviderConfig.is_enabled).is_(True),
            ProviderConfig.name != INVENTED,
        )
        .order_by(col(Business.slug), col(ProviderConfig.name))
    )
    return [_one(settings, *row) for row in session.exec(on)]


def _one(settings: Settings, slug: str, config: ProviderConfig) -> Check:
    name = config.name
    mend = f"client-monitor providers enable {name} --business {slug}, then: providers test {name}"
    try:
        with Http(settings) as http:
            crm = connect.make(Scope.system(config.business_id), name, http)
    except CrmError as error:
        return Check.failed("crm", f"{slug}: {error}", mend)
    except Exception as error:  # a plug-in's own; its words may quote a key
        return Check.failed("crm", f"{slug}: {name} cannot be made ({type(error).__name__})", mend)
    about = getattr(crm, "about", None)
    missing = keys_of(settings, about, config).missing if about is not None else ()
    if missing:
        return Check.failed("crm", f"{slug}: {name} is on, but lacks {', '.join(missing)}", mend)
    return Check.ok("crm", f"{slug}: {name} is set up")
