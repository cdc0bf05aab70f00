"""What a client's terms would do to the news we have: which headlines would come, which would go."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from models.base import new_id, utc_now
from models.clients import Client, ClientMatchRule, match_rules
from models.engine import reading
from models.links import links_of_client
from models.news import Article, ArticleClient, LinkState
from models.portfolio import recent_articles
from models.scope import Scope
from services.accounts import require_admin
from services.clients import checked_fields
from services.portfolio.page import known_client
from tasks.classify.matching import match_article
from tasks.companies.index import NameIndex
from tasks.companies.names import Profile
from tasks.profiles import profile_of

LOOKS_BACK = timedelta(days=30)
MOST_ARTICLES = 10_000
"""The newest so many are looked at for the names."""
MOST_NAMED = 400
"""Of those that name it the newest so many are judged, which is what takes time."""
SHOWN = 15


class Headline(BaseModel):
    """One article, and why it is (not) about the client."""

    model_config = ConfigDict(frozen=True)

    title: str
    source: str
    at: datetime
    why: str
    """The reason in a word or two, and the words that decided."""


class Checked(BaseModel):
    """What the terms come to. Counts are of all that were judged; of the headlines the newest are listed."""

    model_config = ConfigDict(frozen=True)

    looked_at: int
    """Articles of the last 30 days that were looked at for the names."""
    is_partial: bool
    """So many name it that only the newest were judged."""
    matching: int
    """Would be about the client."""
    gained: int
    lost: int
    """Count as about it now, and would not any more."""
    turned_away: int
    """Name it, and would be taken to be about something else."""
    sample: tuple[Headline, ...]
    gains: tuple[Headline, ...]
    losses: tuple[Headline, ...]
    refusals: tuple[Headline, ...]


def check_terms(
    scope: Scope,
    fields: Mapping[str, Any],
    client_id: UUID | None = None,
    *,
    now: datetime | None = None,
) -> Checked:
    """Hold the news of the last 30 days against these fields of a client, changed or new. Nothing is written.

    A source that is asked about the client would find more under new names: this looks at what is here already.
    UserError names a field that is wrong, or says that the client is gone.
    """
    require_admin(scope)
    checked = checked_fields(fields)
    since = (now or utc_now()) - LOOKS_BACK
    draft = Client(id=client_id or new_id(), business_id=scope.business, **checked.model_dump())
    with reading(scope) as session:
        linked: list[tuple[ArticleClient, Article]] = []
        rules: list[ClientMatchRule] = []
        if client_id is not None:
            known_client(scope, session, client_id)
            linked = links_of_client(scope, session, client_id, since, list(LinkState))
            rules = match_rules(scope, session).get(client_id, [])
        articles = recent_articles(scope, session, since, MOST_ARTICLES)
    before = {article.id for link, article in linked if link.state is LinkState.MATCHED}
    every = {article.id: article for article in (*articles, *(article for _, article in linked))}
    newest = sorted(every.values(), key=_age)
    about, away, is_partial = _judged(profile_of(draft), newest, rules)
    if is_partial:
        before &= {*about, *away}
    gains = [key for key in about if key not in before]
    losses = [key for key in before if key not in about]
    refusals = [key for key in away if key not in before]
    why = {**dict.fromkeys(losses, "no longer named"), **away, **about}

    def told(keys: Iterable[UUID]) -> tuple[Headline, ...]:
        shown = sorted((every[key] for key in keys), key=_age)[:SHOWN]
        return tuple(_headline(article, why[article.id]) for article in shown)

    return Checked(
        looked_at=len(every),
        is_partial=is_partial,
        matching=len(about),
        gained=len(gains),
        lost=len(losses),
        turned_away=len(refusals),
        sample=told(about),
        gains=told(gains),
        losses=told(losses),
        refusals=told(refusals),
    )


def _judged(
    profile: Profile, newest: Iterable[Article], rules: Sequence[ClientMatchRule]
) -> tuple[dict[UUID, str], dict[UUID, str], bool]:
    """The articles that name the company, by id with the reason: those about it, those that are not; and whether
    there were too many to judge them all."""
    index = NameIndex([profile])
    about: dict[UUID, str] = {}
    away: dict[UUID, str] = {}
    for article in newest:
        hits = index.candidates(article.title, article.snippet, article.url).get(profile.key)
        if hits:
            if len(about) + len(away) == MOST_NAMED:
                return about, away, True
            match = match_article(profile, article, rules, hits=hits)
            evidence = f": “{match.evidence}”" if match.evidence else ""
            reason = str(match.reason).replace("_", " ")
            (about if match.about else away)[article.id] = reason + evidence
    return about, away, False


def _age(article: Article) -> tuple[float, str]:
    """Sorts the newest first."""
    return -article.at.timestamp(), str(article.id)


def _headline(article: Article, why: str) -> Headline:
    return Headline(title=article.title, source=article.source or article.publisher, at=article.at, why=why)
