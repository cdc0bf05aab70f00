"""What is searched about a client: which sources are asked, in which words, and how they last answered."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.base import utc_now
from models.breakers import BreakerState, all_health, state_of
from models.clients import Client
from models.engine import reading
from models.news import SourceResult, SourceState
from models.portfolio import feed_results, latest_results, newest_search
from models.providers import ProviderHealth, ProviderKind
from models.scope import Scope
from models.settings import get_settings
from services.portfolio.page import known_client
from services.portfolio.sources import SourceOn, sources_on
from services.providers.recipient import recipient_of
from tasks.companies.names import Profile, domain_of, forms
from tasks.net.http import Http
from tasks.plan import RunPlan
from tasks.profiles import profile_of
from tasks.search.access import context_of
from tasks.search.source import FetchContext, question_of

LOG = logging.getLogger(__name__)
DAYS_BACK = int(RunPlan.model_fields["days_back"].default)
"""How far a run looks back unless it is told otherwise."""
CONFIDENTIAL = "confidential: nobody outside is asked about this client"
ARCHIVED = "archived: nothing is searched"


class Asked(BaseModel):
    """One source, and what it is to this client."""

    model_config = ConfigDict(frozen=True)

    source: str
    title: str
    recipient: str
    """Who learns the question; empty: it stays in the house."""
    is_query: bool
    """Asked about each client; otherwise read whole, and searched for the client here."""
    question: str = ""
    """The words that are sent; empty for a feed, and for a source that does not tell."""
    why_not: str = ""
    """Why it is not asked about this client; empty: it is."""
    state: SourceState | None = None
    """How it last answered; None: it was not asked yet."""
    at: datetime | None = None
    found: int = 0
    new: int = 0
    error: str = ""
    asked_again_at: datetime | None = None
    """Until then it is left alone, because it kept failing."""


class Searches(BaseModel):
    """Everything that is searched about one client."""

    model_config = ConfigDict(frozen=True)

    confidential: bool
    archived: bool
    days_back: int
    sources: tuple[Asked, ...]
    forms: tuple[str, ...]
    """Ways of writing it that count as its name, in any text."""
    exact: tuple[str, ...]
    """Those that count only as written, such as initials."""
    ticker: str
    domain: str
    excluded_terms: tuple[str, ...]
    keywords: tuple[str, ...]


def searches(scope: Scope, client_id: UUID, *, now: datetime | None = None) -> Searches:
    """What a run would do about this client now. Nobody is asked anything. UserError when there is no such client."""
    now = now or utc_now()
    with reading(scope) as session:
        client = known_client(scope, session, client_id)
        sources = sources_on(scope, session)
        queries = [one.name for one in sources if one.is_query]
        results = {row.source_api: row for row in latest_results(scope, session, queries, client_id)}
        run_id = newest_search(scope, session)
        feeds = feed_results(scope, session, run_id) if run_id is not None else []
    health = all_health(scope)
    profile = profile_of(client)
    with Http(get_settings()) as http:
        told = [_asked(scope, client, profile, one, http, now) for one in sources]
    lines = [
        _with_result(line, results.get(line.source), health, now)
        if line.is_query
        else _with_feeds(line, [row for row in feeds if row.source_api == line.source])
        for line in told
    ]
    known = forms(profile)
    return Searches(
        confidential=client.confidential,
        archived=client.archived_at is not None,
        days_back=DAYS_BACK,
        sources=tuple(lines),
        forms=tuple(" ".join(form.words) for form in known if form.exact is None),
        exact=tuple(form.exact for form in known if form.exact is not None),
        ticker=client.ticker or "",
        domain=domain_of(profile) or "",
        excluded_terms=tuple(client.excluded_terms),
        keywords=tuple(client.keywords),
    )


def _asked(
    scope: Scope, client: Client, profile: Profile, source: SourceOn, http: Http, now: datetime
) -> Asked:
    settings = get_settings()
    options = source.config.options if source.config is not None else {}
    why_not = ""
    if client.archived_at is not None:
        why_not = ARCHIVED
    elif source.is_query and not source.asks_about(client):
        why_not = CONFIDENTIAL
    question = ""
    if source.is_query and not why_not:
        context = context_of(
            scope.business,
            source.name,
            source.about,
            source.config,
            http=http,
            settings=settings,
            as_of=now,
            days_back=DAYS_BACK,
        )
        question = _question(source, profile, context)
    return Asked(
        source=source.name,
        title=source.about.title,
        recipient=recipient_of(source.about, source.name, options, settings),
        is_query=source.is_query,
        question=question,
        why_not=why_not,
    )


def _question(source: SourceOn, profile: Profile, context: FetchContext) -> str:
    try:
        return question_of(source.made(), profile, context)
    except Exception as error:  # somebody's package is broken: the page is shown all the same
        LOG.warning("source %s does not tell its question: %s", source.name, type(error).__name__)
        return ""


def _with_result(
    line: Asked,
    result: SourceResult | None,
    health: Mapping[tuple[ProviderKind, str], ProviderHealth],
    now: datetime,
) -> Asked:
    breaker = health.get((ProviderKind.SOURCE, line.source))
    is_left_alone = breaker is not None and state_of(breaker, now) is not BreakerState.CLOSED
    again = breaker.open_until if breaker is not None and is_left_alone else None
    if result is None:
        return line.model_copy(update={"asked_again_at": again})
    said = {"state": result.state, "at": result.created_at, "found": result.found, "new": result.new}
    return line.model_copy(update={**said, "error": result.error, "asked_again_at": again})


def _with_feeds(line: Asked, results: Sequence[SourceResult]) -> Asked:
    """A source of several feeds answers as its worst: who reads is told which one."""
    if not results:
        return line
    order = list(SourceState)
    worst = max(results, key=lambda row: order.index(row.state))
    error = f"{worst.unit}: {worst.error}" if worst.error else ""
    return line.model_copy(
        update={
            "state": worst.state,
            "at": max(row.created_at for row in results),
            "found": sum(row.found for row in results),
            "new": sum(row.new for row in results),
            "error": error,
        }
    )
