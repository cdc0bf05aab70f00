"""A batch of candidates as read from the ledger, before anything is judged."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel import Session

from models.clients import Client, ClientMatchRule, match_rules
from models.events import Event, events_of_stories
from models.feedback import disowned
from models.links import candidates, candidates_of_events, matched_of_events, rejected_of_stories
from models.mail import channel_of, told_lately
from models.news import Article, ArticleClient, articles_by_id
from models.scope import Scope
from tasks.classify.assemble import EventKey
from tasks.classify.facts import crm_facts
from tasks.classify.novelty import LOOK_BACK
from tasks.classify.own import own_patterns
from tasks.classify.rules import Pattern
from tasks.companies.index import Hit, NameIndex
from tasks.companies.names import Profile
from tasks.plan import RunPlan
from tasks.profiles import portfolio


@dataclass(slots=True)
class Batch:
    """What a batch is judged by."""

    links: list[ArticleClient]
    articles: dict[UUID, Article]
    clients: dict[UUID, Client]
    profiles: dict[UUID, Profile]
    rules: dict[UUID, list[ClientMatchRule]]
    patterns: tuple[Pattern, ...]
    unreadable: tuple[str, ...]
    """Phrases of the tenant's own patterns that cannot be read."""
    disowned: dict[EventKey, UUID]
    """Stories a reader said are about another company than the client, with the feedback that says so."""
    events: dict[EventKey, Event]
    earlier: dict[EventKey, list[ArticleClient]]
    """Links matched by earlier batches, of the stories and clients this batch touches."""
    rejected: dict[EventKey, list[ArticleClient]]
    """Links turned away by earlier batches, likewise; read only where a classifier may think otherwise of the story."""
    told: dict[UUID, list[tuple[UUID, str]]]
    """Client id → (story id, headline) of the events somebody got lately."""
    index: NameIndex
    named: dict[UUID, dict[str, list[Hit]]] = field(default_factory=dict)
    """Article id → where it may name whom, found once however many clients it names."""
    facts: Mapping[UUID, Mapping[str, str]] = field(default_factory=dict)
    """Client id → the CRM fields that may be sent to the classifier."""
    event_ids: dict[EventKey, UUID] = field(default_factory=dict)
    """Of the events this batch makes or changes."""

    def hits(self, article: Article, profile: Profile) -> list[Hit]:
        """Where the article may name the client."""
        found = self.named.get(article.id)
        if found is None:
            found = self.index.candidates(article.title, article.snippet, article.url)
            self.named[article.id] = found
        return found.get(profile.key, [])

    def told_besides(self, key: EventKey) -> list[str]:
        """Headlines of the client's other stories that somebody got lately."""
        return [title for story_id, title in self.told.get(key[1], ()) if story_id != key[0]]

    def key(self, link: ArticleClient) -> EventKey:
        """The event the link would be part of."""
        story_id = self.articles[link.article_id].story_id
        assert story_id is not None, "an article with a candidate is always in a story"
        return story_id, link.client_id


def read_batch(
    scope: Scope,
    session: Session,
    plan: RunPlan,
    limit: int,
    *,
    with_rejected: bool = False,
    crm_fields: Collection[str] = (),
) -> Batch:
    """The oldest candidates, up to ``limit``, and whatever of an event's articles is to be judged again with them."""
    links = _candidates(scope, session, plan, limit)
    watched = portfolio(scope, session)
    # A client archived since its article was found: its candidates are turned away, not left to wait for ever.
    articles = articles_by_id(scope, session, {link.article_id for link in links})
    story_ids = {article.story_id for article in articles.values() if article.story_id}
    client_ids = {link.client_id for link in links}
    events = {
        (event.story_id, event.client_id): event
        for event in events_of_stories(scope, session, story_ids, client_ids)
    }
    earlier: dict[EventKey, list[ArticleClient]] = defaultdict(list)
    if events:
        for link, article in matched_of_events(scope, session, [event.id for event in events.values()]):
            articles[article.id] = article
            if article.story_id is not None:
                earlier[article.story_id, link.client_id].append(link)
    rejected: dict[EventKey, list[ArticleClient]] = defaultdict(list)
    if with_rejected:
        touched = {(articles[link.article_id].story_id, link.client_id) for link in links}
        for link, article in rejected_of_stories(scope, session, story_ids, client_ids):
            if article.story_id is not None and (article.story_id, link.client_id) in touched:
                articles[article.id] = article
                rejected[article.story_id, link.client_id].append(link)
    told: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    for client_id, story_id, title in told_lately(
        scope, session, client_ids, plan.as_of - LOOK_BACK, channel_of(plan.deliver)
    ):
        told[client_id].append((story_id, title))
    patterns, unreadable = own_patterns(scope, session)
    return Batch(
        links=links,
        articles=articles,
        clients=watched.clients,
        profiles=watched.profiles,
        rules=match_rules(scope, session),
        patterns=patterns,
        unreadable=unreadable,
        disowned=disowned(scope, session, story_ids),
        events=events,
        earlier=earlier,
        rejected=rejected,
        told=told,
        facts=crm_facts(scope, session, client_ids, crm_fields),
        index=watched.index,
    )


def _candidates(scope: Scope, session: Session, plan: RunPlan, limit: int) -> list[ArticleClient]:
    links = candidates(scope, session, plan.client_ids, limit)
    again = {link.event_id for link in links if link.event_id is not None}
    if again:
        # An event that is judged again is judged whole: in two batches it would come and go between them.
        have = {link.id for link in links}
        links += [link for link in candidates_of_events(scope, session, again) if link.id not in have]
    return links
