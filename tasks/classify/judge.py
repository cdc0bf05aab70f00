"""From a batch to verdicts and drafts of events; nothing is written here."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.news import ArticleClient
from tasks.classify.assemble import Draft, EventKey, Telling, assemble
from tasks.classify.batch import Batch
from tasks.classify.classifier import Classifier, Text
from tasks.classify.matching import match_article
from tasks.classify.rules import Verdict
from tasks.companies.match import CompanyMatch, match_company
from tasks.companies.names import Profile


@dataclass(slots=True)
class Judged:
    """What came of a batch."""

    matches: dict[UUID, CompanyMatch]
    """By link id."""
    matched: list[ArticleClient]
    drafts: dict[EventKey, Draft]
    withdrawn: set[EventKey]
    """Events that lost the last article that was about the client."""


def judge_batch(batch: Batch, classifier: Classifier, as_of: datetime) -> Judged:
    """Judge every link of the batch and make, anew, the events it touches."""
    matches = {link.id: _match(batch, link) for link in batch.links}
    matched = [
        link for link in batch.links if matches[link.id].about and batch.key(link) not in batch.disowned
    ]
    taken_back = {batch.key(link) for link in batch.links if link.event_id is not None}
    tellings = _tellings(
        batch, matched, taken_back, matches, _classify(classifier, batch, matched, taken_back)
    )
    drafts = {
        key: assemble(batch.clients[key[1]], found, as_of, batch.told_besides(key))
        for key, found in tellings.items()
    }
    withdrawn = {key for key in taken_back - drafts.keys() if key in batch.events}
    return Judged(matches, matched, drafts, withdrawn)


def _match(batch: Batch, link: ArticleClient) -> CompanyMatch:
    article, profile = batch.articles[link.article_id], batch.profiles.get(link.client_id)
    if profile is None:
        return match_company(Profile(key="", name=""), "", None)
    rules = batch.rules.get(link.client_id, ())
    return match_article(profile, article, rules, hits=batch.hits(article, profile))


def _classify(
    classifier: Classifier, batch: Batch, matched: Sequence[ArticleClient], taken_back: set[EventKey]
) -> dict[UUID, Verdict]:
    """One verdict an article, however many clients it concerns."""
    wanted = {link.article_id for link in matched}
    for key in {batch.key(link) for link in matched} | taken_back:
        wanted |= {other.article_id for other in batch.earlier.get(key, ())}
    ordered = sorted(wanted)
    texts = [Text(batch.articles[article].title, batch.articles[article].snippet) for article in ordered]
    return dict(zip(ordered, classifier.classify(texts), strict=True))


def _tellings(
    batch: Batch,
    matched: Sequence[ArticleClient],
    taken_back: set[EventKey],
    matches: dict[UUID, CompanyMatch],
    verdicts: dict[UUID, Verdict],
) -> dict[EventKey, list[Telling]]:
    tellings: dict[EventKey, list[Telling]] = defaultdict(list)

    def add(link: ArticleClient, match: CompanyMatch) -> None:
        article = batch.articles[link.article_id]
        tellings[batch.key(link)].append(Telling(article, match, verdicts[article.id], link.is_history))

    for link in matched:
        add(link, matches[link.id])
    for key in tellings.keys() | taken_back:
        # A client archived meanwhile has no events to make anew.
        if key[1] in batch.clients:
            for link in batch.earlier.get(key, ()):
                add(link, _match(batch, link))
    return tellings
