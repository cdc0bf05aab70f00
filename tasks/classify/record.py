"""Writing what was judged: events, the links to them, decisions and insights."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col

from models.base import new_id, utc_now
from models.engine import insert_rows, update_rows
from models.events import Decision, Event, Insight, Stage
from models.news import ArticleClient
from tasks.classify.advice import Advice
from tasks.classify.assemble import EventKey
from tasks.classify.batch import Batch
from tasks.classify.classifier import RulesClassifier
from tasks.classify.judge import Judged
from tasks.classify.opinions import WORDS, is_open
from tasks.dedupe.drafts import plain_doc
from tasks.dedupe.updates import is_material_update
from tasks.plan import RunPlan

MATCH_ENGINE = "company-rules"
MATCH_VERSION = "3"
FEEDBACK_ENGINE = "feedback"


def write_events(session: Session, batch: Batch, judged: Judged) -> tuple[int, int]:
    """Insert new events and bring known ones up to date; returns (new, materially updated)."""
    now = utc_now()
    new, rows = [], []
    revised = 0
    for key, draft in judged.drafts.items():
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
                    "is_degraded": key in judged.opinions.left,
                    "needs_filter": True,
                    "created_at": now,
                    "updated_at": now,
                }
            )
            batch.event_ids[key] = event_id
            continue
        batch.event_ids[key] = known.id
        revived = known.withdrawn_at is not None
        # Only what somebody may have read can be updated for them; before that, it is the first telling still.
        changed = "" if known.needs_filter or revived else _what_changed(batch, judged.matched, key)
        revised += bool(changed)
        rows.append(
            {
                "id": known.id,
                **draft.values,
                "is_history": known.is_history and draft.values["is_history"],
                "revision": known.revision + bool(changed),
                "what_changed": changed or known.what_changed,
                "is_degraded": key in judged.opinions.left,
                "needs_filter": known.needs_filter or bool(changed) or revived,
                "withdrawn_at": None,
                "updated_at": now,
            }
        )
    insert_rows(session, Event, new)
    update_rows(session, Event, rows)
    _withdraw(session, batch, judged.withdrawn, now)
    return len(new), revised


def _withdraw(session: Session, batch: Batch, keys: set[EventKey], now: datetime) -> None:
    """Events nothing speaks for any more; *filter* takes back what of them still waits to be mailed."""
    ids = [batch.events[key].id for key in keys if batch.events[key].withdrawn_at is None]
    if ids:
        session.exec(
            update(Event)
            .where(col(Event.id).in_(ids))
            .values(withdrawn_at=now, needs_filter=True, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def _what_changed(batch: Batch, matched: Sequence[ArticleClient], key: EventKey) -> str:
    """What the newest articles about the client add to what was already told, or nothing."""
    told = {link.article_id for link in batch.earlier.get(key, ())}
    # What is judged again was told before.
    told |= {link.article_id for link in matched if link.event_id is not None and batch.key(link) == key}
    if not told:
        return ""
    old = [plain_doc(batch.articles[article]) for article in sorted(told)]
    fresh = [
        batch.articles[link.article_id]
        for link in matched
        if batch.key(link) == key and link.article_id not in told
    ]
    for article in sorted(fresh, key=lambda a: (a.at, a.identity)):
        if changed := is_material_update(old, plain_doc(article)):
            return changed
    return ""


def link_events(session: Session, batch: Batch, judged: Judged) -> None:
    """Tie the matched links to their events, and untie what is turned away after all."""
    matched = {link.id for link in judged.matched}
    rows: list[dict[str, UUID | None]] = [
        {"id": link.id, "event_id": batch.event_ids[batch.key(link)]} for link in judged.matched
    ]
    rows += [
        {"id": link.id, "event_id": None}
        for link in (*batch.links, *judged.dropped)
        if link.event_id is not None and link.id not in matched
    ]
    update_rows(session, ArticleClient, rows)


def write_decisions(
    session: Session, plan: RunPlan, batch: Batch, judged: Judged, rules: RulesClassifier
) -> None:
    """A line for every link judged, one more where a classifier had a say in it, and one for every event made anew."""
    now = utc_now()
    common = {"job_run_id": plan.job_run_id, "created_at": now}
    decisions = [{**_match_decision(batch, judged, link), **common} for link in batch.links]
    matched = {link.id for link in judged.matched}
    decisions += [
        {**row, **common} for link in batch.links if (row := _opinion_on(batch, judged, link, matched))
    ]
    decisions += [{**_event_decision(batch, judged, key, rules), **common} for key in sorted(judged.drafts)]
    insert_rows(session, Decision, decisions)


def _event_decision(batch: Batch, judged: Judged, key: EventKey, rules: RulesClassifier) -> dict[str, Any]:
    draft, opinions = judged.drafts[key], judged.opinions
    values, left = draft.values, opinions.left.get(key)
    engine, version = (
        (opinions.name, opinions.version) if key in opinions.said else (rules.name, rules.version)
    )
    reason = str(values["reason"])
    if left is not None:
        reason = f"{reason} The rules judged it, not {opinions.name}: {WORDS.get(left, left)}."
    return {
        "stage": Stage.CLASSIFY,
        "verdict": str(values["category"]),
        "reason_code": left or draft.reason_code,
        "reason": reason,
        "evidence": values["evidence"],
        "parts": {"relevance": values["relevance"], **values["score_parts"]},
        "engine": engine,
        "engine_version": version,
        "article_id": draft.lead.article.id,
        "client_id": key[1],
        "event_id": batch.event_ids[key],
    }


def _opinion_on(
    batch: Batch, judged: Judged, link: ArticleClient, matched: set[UUID]
) -> dict[str, Any] | None:
    """What a classifier said of the link's story, where the rules had not settled the matter."""
    opinion = judged.opinions.said.get(batch.key(link))
    if opinion is None or not is_open(judged.matches[link.id]):
        return None
    said, of = opinion.judgement, opinion.telling.article
    own = of.id == link.article_id
    return {
        "stage": Stage.MATCH,
        "verdict": "about" if link.id in matched else "not_about",
        "reason_code": f"ai_{said.about}",
        "reason": said.reason if own else f"Of this story “{of.title}” was judged: {said.reason}",
        "evidence": said.evidence if own else "",
        "parts": {},
        "engine": judged.opinions.name,
        "engine_version": judged.opinions.version,
        "article_id": link.article_id,
        "client_id": link.client_id,
        "event_id": None,
    }


def _match_decision(batch: Batch, judged: Judged, link: ArticleClient) -> dict[str, Any]:
    match, said = judged.matches[link.id], batch.disowned.get(batch.key(link))
    row: dict[str, Any] = {
        "stage": Stage.MATCH,
        "verdict": "about" if match.about and said is None else "not_about",
        "reason_code": str(match.reason),
        "reason": "",
        "evidence": match.evidence,
        "parts": {"confidence": match.confidence, **match.parts},
        "engine": MATCH_ENGINE,
        "engine_version": MATCH_VERSION,
        "article_id": link.article_id,
        "client_id": link.client_id,
        "event_id": None,
    }
    if link.client_id not in batch.clients:
        return row | {
            "reason_code": "client_archived",
            "reason": "The client was archived before this was judged.",
        }
    if match.about and said is not None:
        reason = "A reader said that this story is about another company."
        return row | {
            "reason_code": "wrong_company",
            "reason": reason,
            "engine": FEEDBACK_ENGINE,
            "engine_version": str(said),
        }
    return row


def write_insights(session: Session, batch: Batch, judged: Judged, advice: Mapping[EventKey, Advice]) -> None:
    """What is said of the events now, in place of what was said of them before."""
    # What was said of a story so far may not fit what it has become.
    known = [batch.event_ids[key] for key in judged.drafts]
    known += [batch.events[key].id for key in judged.withdrawn]
    stale = delete(Insight).where(col(Insight.event_id).in_(known))
    session.exec(stale.execution_options(synchronize_session=False))
    rows = [
        {
            "event_id": batch.event_ids[key],
            "meaning": found.insight.meaning,
            "actions": list(found.insight.actions),
            "urgency": found.insight.urgency,
            "engine": found.engine,
            "created_at": utc_now(),
        }
        for key, found in advice.items()
    ]
    insert_rows(session, Insight, rows)
