"""Which CRM a tenant has, and how to talk to it."""

from uuid import UUID

from sqlmodel import Session

from models.base import new_id, utc_now
from models.crm import INVENTED
from models.engine import reading
from models.providers import ProviderKind, enabled, provider_config
from models.scope import Scope
from models.settings import get_settings
from tasks import registry
from tasks.about import about_of
from tasks.enrich.credentials import StoredCredentials
from tasks.enrich.crm import Account, Crm, CrmContext, CrmError, Http


def in_force(scope: Scope, session: Session) -> str | None:
    """The CRM the tenant switched on, the last of them when there are several; never the invented one."""
    on = [row for name, row in enabled(scope, session, ProviderKind.CRM).items() if name != INVENTED]
    return max(on, key=lambda row: (row.changed_at, row.name)).name if on else None


def make(scope: Scope, name: str, http: Http) -> Crm:
    """The CRM of that name with the tenant's keys and options, switched on or not. CrmError: it is not set up."""
    try:
        provider = registry.load(registry.CRMS, name)
    except registry.UnknownProvider as unknown:
        raise CrmError(str(unknown)) from None
    settings = get_settings()
    with reading(scope) as session:
        config = provider_config(scope, session, ProviderKind.CRM, name)
    crm: Crm = provider(
        CrmContext(
            http=http,
            settings=settings,
            credentials=StoredCredentials(scope, name, about_of(name, provider), settings),
            options=config.options if config is not None else {},
        )
    )
    return crm


def check(scope: Scope, name: str) -> str:
    """Ask the CRM for one of its accounts, and say in a sentence what came. CrmError, FetchError."""
    with Http(get_settings()) as http:
        crm = make(scope, name, http)
        first = next(crm.portfolio(), None)
        if first is None:
            return f"{name} answers, but shows no customer accounts: check what its user may read, and which count"
        key: UUID = new_id()
        account = Account(key=key, name=first.name, crm_id=first.crm_id, domain=first.domain)
        found = crm.records([account], utc_now()).get(key)
    if found is None:
        return f"{name} answers and lists {first.name!r}, but does not find it again by its id {first.crm_id}"
    deals = sum(deal.is_open for deal in found.opportunities)
    cases = sum(case.is_open for case in found.cases)
    return (
        f"{name} answers: {found.name!r} has {deals} open deal{'s' * (deals != 1)}, "
        f"{cases} open case{'s' * (cases != 1)}, "
        f"and {'an owner' if found.owner_email else 'no owner we may see'}"
    )
