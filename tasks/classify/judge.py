"""From a batch to verdicts and drafts of events; nothing is written here."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.news import Article, ArticleClient
from tasks.classify.assemble import Draft, EventKey, Telling, assemble
from tasks.classify.batch import Batch
from tasks.classify.classifier import Classifier, RulesClassifier
from tasks.classify.matching import match_article
from tasks.classify.opinions import (
    Opinions,
    Story,
    concerns,
    is_open,
    may_be_asked_about,
    opinions_of,
    text_of,
)
from tasks.companies.match import CompanyMatch, match_company
from tasks.companies.names import Profile


@dataclass(slots=True)
class Judged:
    """What came of a batch."""

    matches: dict[UUID, CompanyMatch]
    """What the rules say of each link of the batch, by its id."""
    matched: list[ArticleClient]
    """Links that tell of an event now and did not before, or were to be judged again."""
    dropped: list[ArticleClient]
    """Links of earlier batches that tell of their event no more."""
    drafts: dict[EventKey, Draft]
    withdrawn: set[EventKey]
    """Events that lost the last article that was about the client."""
    opinions: Opinions


@dataclass(frozen=True, slots=True)
class _Seen:
    """A link of a story that is judged now, with what the rules say of it."""

    link: ArticleClient
    match: CompanyMatch
    told_before: bool
    """An earlier batch made it part of the event."""
    rejected_before: bool = False


_Pools = dict[EventKey, list[_Seen]]


def judge_batch(
    batch: Batch, rules: RulesClassifier, as_of: datetime, classifier: Classifier | None = None
) -> Judged:
    """Judge every link of the batch and make, anew, the events it touches. A ``classifier`` is asked in here."""
    matches = {link.id: _match(batch, link) for link in batch.links}
    taken_back = {batch.key(link) for link in batch.links if link.event_id is not None}
    pools = _pools(batch, matches, taken_back, doubtful=classifier is not None)
    tellings = _tellings(batch, pools, rules)
    opinions = Opinions()
    if classifier is not None:
        opinions = opinions_of(classifier, _stories(batch, classifier, pools, tellings, as_of))
    telling = {
        key: [seen for seen in pool if _tells(seen, tellings[seen.link.id].article, key, opinions)]
        for key, pool in pools.items()
    }
    drafts = {
        key: assemble(
            batch.clients[key[1]],
            [tellings[seen.link.id] for seen in found],
            as_of,
            batch.told_besides(key),
            opinions.said.get(key),
        )
        for key, found in telling.items()
        if found
    }
    matched = [seen.link for found in telling.values() for seen in found if not seen.told_before]
    kept = {seen.link.id for found in telling.values() for seen in found}
    dropped = [s.link for pool in pools.values() for s in pool if s.told_before and s.link.id not in kept]
    emptied = {key for key in (pools.keys() | taken_back) - drafts.keys() if key in batch.events}
    return Judged(matches, matched, dropped, drafts, emptied, opinions)


def _match(batch: Batch, link: ArticleClient) -> CompanyMatch:
    article, profile = batch.articles[link.article_id], batch.profiles.get(link.client_id)
    if profile is None:
        return match_company(Profile(key="", name=""), "", None)
    rules = batch.rules.get(link.client_id, ())
    return match_article(profile, article, rules, hits=batch.hits(article, profile))


def _pools(
    batch: Batch, matches: Mapping[UUID, CompanyMatch], taken_back: set[EventKey], *, doubtful: bool
) -> _Pools:
    """The links of which each story's event is to be made anew, with those that may yet be found to tell of it."""
    pools: _Pools = defaultdict(list)
    for link in batch.links:
        match, key = matches[link.id], batch.key(link)
        if (match.about or (doubtful and is_open(match))) and key not in batch.disowned:
            pools[key].append(_Seen(link, match, told_before=False))
    for key in pools.keys() | taken_back:
        # A client archived meanwhile has no events to make anew.
        if key[1] not in batch.clients:
            continue
        pools[key] += [
            _Seen(link, _match(batch, link), told_before=True) for link in batch.earlier.get(key, ())
        ]
        if key not in batch.disowned:
            pools[key] += [
                _Seen(link, match, told_before=False, rejected_before=True)
                for link in batch.rejected.get(key, ())
                if is_open(match := _match(batch, link))
            ]
    return pools


def _tellings(batch: Batch, pools: _Pools, rules: RulesClassifier) -> dict[UUID, Telling]:
    """By link id; one verdict an article, however many clients it concerns."""
    articles = sorted({seen.link.article_id for pool in pools.values() for seen in pool})
    texts = [text_of(batch.articles[article]) for article in articles]
    verdicts = dict(zip(articles, rules.classify(texts), strict=True))
    return {
        seen.link.id: Telling(
            batch.articles[seen.link.article_id],
            seen.match,
            verdicts[seen.link.article_id],
            seen.link.is_history,
        )
        for pool in pools.values()
        for seen in pool
    }


def _stories(
    batch: Batch,
    classifier: Classifier,
    pools: _Pools,
    tellings: Mapping[UUID, Telling],
    as_of: datetime,
) -> dict[EventKey, Story]:
    """What the classifier is asked about: nothing of clients that are confidential, where others would read it."""
    stories = {}
    for key, pool in pools.items():
        client = batch.clients.get(key[1])
        found = [seen for seen in pool if is_open(seen.match)]
        if client is None or key in batch.disowned or not found:
            continue
        if not may_be_asked_about(classifier, client):
            continue
        sure = [seen for seen in found if seen.match.about]
        by_rules = assemble(client, _of(sure or found, tellings), as_of, batch.told_besides(key))
        stories[key] = Story(
            batch.profiles[client.id],
            _of(found, tellings),
            by_rules.values["relevance"],
            batch.facts.get(client.id, {}),
        )
    return stories


def _of(seen: Iterable[_Seen], tellings: Mapping[UUID, Telling]) -> list[Telling]:
    return [tellings[one.link.id] for one in seen]


def _tells(seen: _Seen, article: Article, key: EventKey, opinions: Opinions) -> bool:
    """Whether the article is part of the story's event for the client.

    Without an opinion the rules say so, and what an earlier batch came to stands. An opinion is about the story.
    """
    opinion = opinions.said.get(key)
    if opinion is None:
        return seen.told_before or (seen.match.about and not seen.rejected_before)
    if text_of(article) in opinions.against.get(key, ()):
        return False
    return concerns(seen.match, opinion.judgement.about)
