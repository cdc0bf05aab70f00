"""Classify, the ledger's side: candidates become events or are turned away, and every verdict is written down."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlmodel import Session, col, select

from models.base import new_id, utc_now
from models.clients import Client, ClientMatchRule, match_rules
from models.engine import insert_rows, reading, writing
from models.events import Decision, Event, Insight, Stage
from models.jobs import heartbeat
from models.news import Article, ArticleClient, LinkState
from models.scope import Scope
from models.settings import get_settings
from tasks import registry
from tasks.classify.assemble import Draft, EventKey, Telling, assemble
from tasks.classify.classifier import Classifier, Text
from tasks.classify.rules.categories import Verdict
from tasks.classify.rules.insight import insight
from tasks.companies.index import Hit, NameIndex
from tasks.companies.match import CompanyMatch, MatchRule, match_company
from tasks.companies.names import Profile
from tasks.dedupe.stories import Doc
from tasks.dedupe.updates import is_material_update
from tasks.plan import RunPlan, StageReport
from tasks.profiles import portfolio

MATCH_ENGINE = "company-rules"
MATCH_VERSION = "1"
INSIGHT_FROM = 0.7


class Contended(RuntimeError):
    """Another run took some of the same candidates; the batch is rolled back and may be tried again."""


@dataclass(slots=True)
class _Batch:
    """A batch as read, before anything is judged."""

    links: list[ArticleClient]
    articles: dict[UUID, Article]
    clients: dict[UUID, Client]
    profiles: dict[UUID, Profile]
    rules: dict[UUID, list[ClientMatchRule]]
    events: dict[EventKey, Event]
    earlier: dict[EventKey, list[ArticleClient]]
    """Links matched by earlier batches, of the stories and clients this batch touches."""
    index: NameIndex
    named: dict[UUID, dict[str, list[Hit]]] = field(default_factory=dict)
    """Article id → where it may name whom, found once however many clients it names."""
    event_ids: dict[EventKey, UUID] = field(default_factory=dict)
    """Of the events this batch makes or changes."""

    def hits(self, article: Article, profile: Profile) -> list[Hit]:
        """Where the article may name the client."""
        found = self.named.get(article.id)
        if found is None:
            found = self.index.candidates(article.title, article.snippet, article.url)
            self.named[article.id] = found
        return found.get(profile.key, [])


def classify_batch(plan: RunPlan, limit: int | None = None) -> StageReport:
    """Judge up to ``limit`` candidates, oldest first. ``done`` 0: the backlog is empty.

    Raises Contended when a concurrent run judged some of them first; nothing of the batch is kept then.
    """
    scope = plan.scope
    with reading(scope) as session:
        batch = _read(scope, session, plan, limit or get_settings().batch_size)
    if not batch.links:
        return StageReport(stage="classify")
    classifier: Classifier = registry.load(registry.CLASSIFIERS, "rules")()
    matches = {link.id: _match(batch, link) for link in batch.links}
    matched = [link for link in batch.links if matches[link.id].about]
    verdicts = _classify(classifier, batch, matched)
    drafts = _assemble(batch, matched, matches, verdicts, plan.as_of)
    with writing(scope) as session:
        _take(session, batch.links, {link.id for link in matched})
        new, updated = _write_events(session, batch, matched, drafts)
        _write_decisions(session, plan, batch, matches, drafts, classifier)
        _link_events(session, matched, batch, drafts)
        _write_insights(session, batch, drafts, classifier)
        heartbeat(scope, session, plan.job_run_id)
    return StageReport(
        stage="classify",
        done=len(batch.links),
        counts={
            "judged": len(batch.links),
            "about_the_client": len(matched),
            "turned_away": len(batch.links) - len(matched),
            "events": new,
            "updates": updated,
        },
    )


def _read(scope: Scope, session: Session, plan: RunPlan, limit: int) -> _Batch:
    query = select(ArticleClient).where(ArticleClient.state == LinkState.CANDIDATE)
    if plan.client_ids is not None:
        query = query.where(col(ArticleClient.client_id).in_(plan.client_ids))
    links = list(session.exec(query.order_by(col(ArticleClient.id)).limit(limit)))
    watched = portfolio(scope, session)
    # A client archived since its article was found: its candidates are turned away, not left to wait for ever.
    articles = _by_id(session.exec(select(Article).where(col(Article.id).in_({k.article_id for k in links}))))
    story_ids = {a.story_id for a in articles.values() if a.story_id}
    client_ids = {link.client_id for link in links}
    events = {
        (e.story_id, e.client_id): e
        for e in session.exec(
            select(Event).where(col(Event.story_id).in_(story_ids), col(Event.client_id).in_(client_ids))
        )
    }
    earlier: dict[EventKey, list[ArticleClient]] = defaultdict(list)
    if events:
        rows = session.exec(
            select(ArticleClient, Article)
            .join(Article, col(Article.id) == ArticleClient.article_id)
            .where(col(ArticleClient.event_id).in_([e.id for e in events.values()]))
            .order_by(col(ArticleClient.id))
        )
        for link, article in rows:
            articles[article.id] = article
            if article.story_id is not None:
                earlier[article.story_id, link.client_id].append(link)
    return _Batch(
        links,
        articles,
        watched.clients,
        watched.profiles,
        match_rules(scope, session),
        events,
        earlier,
        watched.index,
    )


def _by_id(rows: Iterable[Article]) -> dict[UUID, Article]:
    return {row.id: row for row in rows}


def _match(batch: _Batch, link: ArticleClient) -> CompanyMatch:
    article, profile = batch.articles[link.article_id], batch.profiles.get(link.client_id)
    if profile is None:
        return match_company(Profile(key="", name=""), "", None)
    taught = [
        MatchRule(kind=rule.kind.value, phrase=rule.phrase, id=str(rule.id), note=rule.note)
        for rule in batch.rules.get(link.client_id, [])
    ]
    return match_company(
        profile,
        article.title,
        article.snippet,
        article.url,
        article.source,
        hits=batch.hits(article, profile),
        rules=taught,
    )


def _classify(classifier: Classifier, batch: _Batch, matched: Sequence[ArticleClient]) -> dict[UUID, Verdict]:
    """One verdict an article, however many clients it concerns."""
    wanted = {link.article_id for link in matched}
    for link in matched:
        story_id = batch.articles[link.article_id].story_id
        if story_id is not None:
            wanted |= {other.article_id for other in batch.earlier.get((story_id, link.client_id), ())}
    ordered = sorted(wanted)
    texts = [Text(batch.articles[article].title, batch.articles[article].snippet) for article in ordered]
    return dict(zip(ordered, classifier.classify(texts), strict=True))


def _assemble(
    batch: _Batch,
    matched: Sequence[ArticleClient],
    matches: dict[UUID, CompanyMatch],
    verdicts: dict[UUID, Verdict],
    as_of: datetime,
) -> dict[EventKey, Draft]:
    tellings: dict[EventKey, list[Telling]] = defaultdict(list)

    def add(link: ArticleClient, match: CompanyMatch) -> None:
        article = batch.articles[link.article_id]
        assert article.story_id is not None, "an article with a candidate is always in a story"
        telling = Telling(article, match, verdicts[article.id], link.is_history)
        tellings[article.story_id, link.client_id].append(telling)

    for link in matched:
        add(link, matches[link.id])
    for key in list(tellings):
        for link in batch.earlier.get(key, ()):
            add(link, _match(batch, link))
    return {
        (story_id, client_id): assemble(batch.clients[client_id], told, as_of)
        for (story_id, client_id), told in tellings.items()
    }


def _take(session: Session, links: Sequence[ArticleClient], matched: set[UUID]) -> None:
    """Move the links out of the backlog, or raise Contended when somebody else moved one first."""
    moved = 0
    for state, ids in (
        (LinkState.MATCHED, [k.id for k in links if k.id in matched]),
        (LinkState.REJECTED, [k.id for k in links if k.id not in matched]),
    ):
        if ids:
            taken = session.exec(
                update(ArticleClient)
                .where(col(ArticleClient.id).in_(ids), col(ArticleClient.state) == LinkState.CANDIDATE)
                .values(state=state)
                .returning(col(ArticleClient.id))
                .execution_options(synchronize_session=False)
            )
            moved += len(taken.all())
    if moved != len(links):
        raise Contended("another run judged some of these candidates first")


def _write_events(
    session: Session, batch: _Batch, matched: Sequence[ArticleClient], drafts: dict[EventKey, Draft]
) -> tuple[int, int]:
    """Insert new events and bring known ones up to date; returns (new, materially updated)."""
    now = utc_now()
    new, rows = [], []
    revised = 0
    for key, draft in drafts.items():
        known = batch.events.get(key)
        if known is None:
            event_id = new_id()
            new.append(
                {
                    "id": event_id,
                    "story_id": key[0],
                    "client_id": key[1],
                    **draft.values,
                    "revision": 1,
                    "what_changed": "",
                    "is_degraded": False,
                    "needs_filter": True,
                    "created_at": now,
                    "updated_at": now,
                }
            )
            batch.event_ids[key] = event_id
            continue
        batch.event_ids[key] = known.id
        # Only what somebody may have read can be updated for them; before that, it is the first telling still.
        changed = "" if known.needs_filter else _what_changed(batch, matched, key)
        revised += bool(changed)
        rows.append(
            {
                "row": known.id,
                **draft.values,
                "is_history": known.is_history and draft.values["is_history"],
                "revision": known.revision + bool(changed),
                "what_changed": changed or known.what_changed,
                "needs_filter": known.needs_filter or bool(changed),
                "updated_at": now,
            }
        )
    insert_rows(session, Event, new)
    if rows:
        columns: dict[str, Any] = {name: bindparam(f"v_{name}") for name in rows[0] if name != "row"}
        session.connection().execute(
            update(Event).where(col(Event.id) == bindparam("row")).values(**columns),
            [{("row" if k == "row" else f"v_{k}"): v for k, v in row.items()} for row in rows],
        )
    return len(new), revised


def _what_changed(batch: _Batch, matched: Sequence[ArticleClient], key: EventKey) -> str:
    """What the newest articles about the client add to what was already told, or nothing."""
    told = {link.article_id for link in batch.earlier.get(key, ())}
    old = [_doc(batch.articles[article]) for article in sorted(told)]
    fresh = [
        batch.articles[link.article_id]
        for link in matched
        if link.client_id == key[1] and batch.articles[link.article_id].story_id == key[0]
    ]
    for article in sorted(fresh, key=lambda a: (a.published_at or a.first_seen_at, a.identity)):
        if changed := is_material_update(old, _doc(article)):
            return changed
    return ""


def _doc(article: Article) -> Doc:
    return Doc(
        key=str(article.id),
        title=article.title,
        snippet=article.snippet,
        source=article.source,
        url=article.url,
        at=article.published_at or article.first_seen_at,
    )


def _link_events(
    session: Session, matched: Sequence[ArticleClient], batch: _Batch, drafts: dict[EventKey, Draft]
) -> None:
    rows = []
    for link in matched:
        story_id = batch.articles[link.article_id].story_id
        if story_id is not None and (story_id, link.client_id) in drafts:
            rows.append({"row": link.id, "event": batch.event_ids[story_id, link.client_id]})
    if rows:
        session.connection().execute(
            update(ArticleClient)
            .where(col(ArticleClient.id) == bindparam("row"))
            .values(event_id=bindparam("event")),
            rows,
        )


def _write_decisions(
    session: Session,
    plan: RunPlan,
    batch: _Batch,
    matches: dict[UUID, CompanyMatch],
    drafts: dict[EventKey, Draft],
    classifier: Classifier,
) -> None:
    now = utc_now()
    decisions: list[dict[str, Any]] = []
    for link in batch.links:
        match, watched = matches[link.id], link.client_id in batch.clients
        decisions.append(
            {
                "stage": Stage.MATCH,
                "verdict": "about" if match.about else "not_about",
                "reason_code": str(match.reason) if watched else "client_archived",
                "reason": "" if watched else "The client was archived before this was judged.",
                "evidence": match.evidence,
                "parts": {"confidence": match.confidence, **match.parts},
                "engine": MATCH_ENGINE,
                "engine_version": MATCH_VERSION,
                "article_id": link.article_id,
                "client_id": link.client_id,
                "event_id": None,
                "job_run_id": plan.job_run_id,
                "created_at": now,
            }
        )
    for key, draft in drafts.items():
        values = draft.values
        decisions.append(
            {
                "stage": Stage.CLASSIFY,
                "verdict": str(values["category"]),
                "reason_code": draft.reason_code,
                "reason": values["reason"],
                "evidence": values["evidence"],
                "parts": {"relevance": values["relevance"], **values["score_parts"]},
                "engine": classifier.name,
                "engine_version": classifier.version,
                "article_id": draft.lead.article.id,
                "client_id": key[1],
                "event_id": batch.event_ids[key],
                "job_run_id": plan.job_run_id,
                "created_at": now,
            }
        )
    insert_rows(session, Decision, decisions)


def _write_insights(
    session: Session, batch: _Batch, drafts: dict[EventKey, Draft], classifier: Classifier
) -> None:
    # What was said of a story so far may not fit what it has become.
    known = [batch.event_ids[key] for key in drafts]
    stale = delete(Insight).where(col(Insight.event_id).in_(known))
    session.exec(stale.execution_options(synchronize_session=False))
    rows = []
    for key, draft in drafts.items():
        if draft.values["relevance"] < INSIGHT_FROM:
            continue
        said = insight(draft.lead.verdict, batch.clients[key[1]].name)
        if said is not None:
            rows.append(
                {
                    "event_id": batch.event_ids[key],
                    "meaning": said.meaning,
                    "actions": list(said.actions),
                    "urgency": said.urgency,
                    "engine": classifier.name,
                    "created_at": utc_now(),
                }
            )
    insert_rows(session, Insight, rows)
