"""Asking a provider one real question, never about a client."""

from collections.abc import Callable, Mapping
from itertools import islice

from models import breakers
from models.base import new_id, utc_now
from models.clients import every_client
from models.engine import reading
from models.news import SourceState
from models.providers import ProviderKind
from models.scope import Scope
from models.vault import VaultClosed
from services.errors import UserError
from services.providers.catalogue import Provider, find_provider
from services.providers.holds import lift
from services.providers.switches import require_switcher
from tasks.classify import connect as classifiers
from tasks.classify.classifier import ClassifierError
from tasks.companies.names import Profile
from tasks.crashes import crashed
from tasks.enrich import connect as crms
from tasks.enrich.crm import CrmError
from tasks.plan import RunPlan
from tasks.search.source import FeedSource, FetchError, SourceError, feed_breaker
from tasks.search.units import Tools, configs_of, context_for

INVENTED = ("Northwind Traders", "Fabrikam Fibre", "Contoso Freight", "Tailspin Toys")
"""Companies that software makers invented for examples; one that no client of the tenant is called is asked about."""
DAYS_BACK = 7


class TrialFailed(UserError):
    """It did not answer as it should."""

    bad_input = False


def try_provider(scope: Scope, name: str, *, kind: ProviderKind | None = None) -> str:
    """Ask the provider something invented, with the tenant's key and options; a sentence of what came.

    It need not be switched on, and is asked even where it asked for a pause. TrialFailed when it does not work; success
    closes its breaker.
    """
    require_switcher(scope)
    one = find_provider(name, kind)
    lift(scope, one)
    try:
        return _TRIALS[one.kind](scope, one)
    except UserError:
        raise
    except (FetchError, SourceError, CrmError, ClassifierError, VaultClosed) as error:
        said = str(error) if one.name in str(error) else f"{one.name}: {error}"
    except Exception as error:
        said = f"{one.name}: {crashed(one.kind.value, one.name, error)}"
    raise TrialFailed(said, f"client-monitor providers list --kind {one.kind.value} shows what it needs")


def _try_crm(scope: Scope, one: Provider) -> str:
    said = crms.check(scope, one.name)
    breakers.succeeded(scope, one.kind, one.name)
    return said


def _try_classifier(scope: Scope, one: Provider) -> str:
    said = classifiers.check(scope, one.name)
    breakers.succeeded(scope, one.kind, one.name)
    return said


def _try_source(scope: Scope, one: Provider) -> str:
    plan = RunPlan(
        business_id=scope.business,
        job_run_id=new_id(),
        as_of=utc_now(),
        sources=(one.name,),
        days_back=DAYS_BACK,
    )
    with reading(scope) as session:
        configs = configs_of(scope, session)
    tools = Tools.real()
    with tools.http:
        source = tools.source(one.name)
        context = context_for(plan, one.name, source, tools, configs)
        if isinstance(source, FeedSource):
            units = {feed_breaker(one.name, unit): unit for unit in source.units(None, context)}
            pages = {name: list(source.fetch(unit, None, context)) for name, unit in units.items()}
        else:
            # The first page is enough: the others cost as much again.
            pages = {one.name: list(islice(source.fetch(_nobody(scope), None, context), 1))}
    found = [page for answer in pages.values() for page in answer]
    failed = [page.error for page in found if page.state in (SourceState.FAILED, SourceState.QUOTA)]
    if failed:
        raise TrialFailed(f"{one.name}: {failed[0]}")
    for name in pages:
        breakers.succeeded(scope, one.kind, name)
    items = [item for page in found for item in page.items]
    dated = [item.published_at for item in items if item.published_at is not None]
    newest = f", the newest of {max(dated):%Y-%m-%d}" if dated else ""
    count = "1 item" if len(items) == 1 else f"{len(items)} items"
    return f"{one.about.title}: answered, with {count}{newest}"


_TRIALS: Mapping[ProviderKind, Callable[[Scope, Provider], str]] = {
    ProviderKind.SOURCE: _try_source,
    ProviderKind.CRM: _try_crm,
    ProviderKind.CLASSIFIER: _try_classifier,
}


def _nobody(scope: Scope) -> Profile:
    """An invented company whose name tells nothing about the tenant."""
    with reading(scope) as session:
        clients = every_client(scope, session)
    taken = {name.casefold() for client in clients for name in (client.name, *client.aliases)}
    return Profile(key="trial", name=next(name for name in INVENTED if name.casefold() not in taken))
