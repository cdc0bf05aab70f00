"""What "wrong company" does: the event goes at once, a narrow rule keeps its like away, and both can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from models.clients import Client, ClientMatchRule, match_rule_by_id, match_rules
from models.engine import insert_rows
from models.events import Decision, Event, Stage
from models.feedback import Feedback
from models.links import judge_again, links_of_client, links_of_story
from models.news import Article, LinkState
from models.scope import Scope
from services.errors import UserError
from services.judgement.category import explain_category
from services.teaching.lessons import Linked, differing, exclude, narrowest, says
from services.teaching.phrases import Phrase
from tasks.classify.record import FEEDBACK_ENGINE
from tasks.classify.rules import classify_text
from tasks.companies.names import words_of
from tasks.filter.ledger import lines, skip
from tasks.filter.rules import WITHDRAWN

REMEMBERED = timedelta(days=90)
"""How far back a rule reaches: what is older is neither judged again nor mailed again."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the verdict teaches: the rule, if one is safe, and the matches that it takes away."""

    rule: ClientMatchRule | None
    why: str
    removes: Sequence[Linked]
    """Matches of other stories that the rule ends."""
    of: int
    """Out of so many matches of the client."""

    @property
    def effect(self) -> str:
        """The lesson as a sentence."""
        if self.rule is None:
            return "this story is not about the client; no rule, for nothing in it tells the sense safely"
        return f"this story, and whatever says “{self.rule.phrase}”, is not about the client"


def lesson(
    scope: Scope, session: Session, event: Event, client: Client, phrase: str | None, now: datetime
) -> Lesson:
    """What the verdict would teach. UserError when the given phrase is not in the story."""
    linked = links_of_story(scope, session, event.story_id, client.id)
    told = [article for link, article in linked if link.state is not LinkState.REJECTED]
    told = told or [article for _, article in linked]
    matched = links_of_client(scope, session, client.id, now - REMEMBERED, [LinkState.MATCHED])
    others = [(link, article) for link, article in matched if article.story_id != event.story_id]
    chosen = _chosen(client, told, others, phrase)
    if chosen is None:
        return Lesson(None, "", [], len(others))
    rules = match_rules(scope, session).get(client.id, [])
    note = f"from “{told[0].title[:120]}”" if told else ""
    known = next((r for r in rules if words_of(r.phrase) == words_of(chosen.words)), None)
    rule = known or exclude(client, chosen.words, note)
    others_in_force = [r for r in rules if r is not known]
    removes = differing(client, others, others_in_force, [*others_in_force, rule])
    return Lesson(rule, chosen.why, removes, len(others))


def _chosen(
    client: Client, told: Sequence[Article], others: Sequence[Linked], phrase: str | None
) -> Phrase | None:
    if phrase is None:
        return narrowest(client, told, others, lambda one: not _of_the_event(one, told))
    words = words_of(phrase)
    if not words or not any(says(article, phrase) for article in told):
        raise UserError(f"the story does not say {phrase!r}", "a rule needs words of the text it came from")
    if any(words == words_of(name) for name in (client.name, client.legal_name or "", *client.aliases)):
        raise UserError(
            f"{phrase!r} is the client itself", "a rule needs the words beside it, such as a longer name"
        )
    return Phrase(words=" ".join(words), why="your own words")


def _of_the_event(phrase: Phrase, told: Sequence[Article]) -> bool:
    """Whether the words tell what happened ("names a finance chief"): that happens at any company."""
    if phrase.is_namesake:
        return False
    happened: set[str] = set()
    for article in told:
        verdict = classify_text(article.title, article.snippet)
        for fired in explain_category(verdict, article.title, article.snippet).fired:
            happened.update(words_of(fired.words))
    return not happened.isdisjoint(phrase.words.split())


def apply(
    scope: Scope, session: Session, event: Event, said: Feedback, taught: Lesson, now: datetime
) -> None:
    """Withdraw the event, store the rule, and let the next run judge again whatever it touches."""
    if taught.rule is not None:
        session.add(taught.rule)
        session.flush()
        said.rule_id = taught.rule.id
    event.withdrawn_at = event.withdrawn_at or now
    event.updated_at = now
    session.add(event)
    waiting = lines(scope, session, event_ids=[event.id])
    skip(session, [(line, WITHDRAWN) for line in waiting], stage=Stage.FILTER, at=now)
    linked = links_of_story(scope, session, event.story_id, event.client_id)
    touched = [link.id for link, _ in linked if link.state is LinkState.MATCHED]
    judge_again(scope, session, [*touched, *(link.id for link, _ in taught.removes)])
    _note(session, event, said, verdict="not_about", code="wrong_company", at=now)


def undo(
    scope: Scope,
    session: Session,
    event: Event,
    client: Client,
    said: Feedback,
    still: Sequence[Feedback],
    now: datetime,
) -> int:
    """Take the rule out of force and let the next run judge again what it kept out; how many articles.

    ``still`` is other feedback in force; a rule that it needs too stays.
    """
    reach = said.created_at - REMEMBERED
    linked = links_of_client(scope, session, client.id, reach, [LinkState.REJECTED, LinkState.CANDIDATE])
    again = [link.id for link, article in linked if article.story_id == event.story_id]
    if said.rule_id is not None and not any(other.rule_id == said.rule_id for other in still):
        rules = match_rules(scope, session).get(client.id, [])
        rule = match_rule_by_id(scope, session, said.rule_id)
        rule.undone_at = now
        session.add(rule)
        left = [other for other in rules if other.id != rule.id]
        again += [link.id for link, _ in differing(client, linked, [*left, rule], left)]
    _note(session, event, said, verdict="about", code="wrong_company_undone", at=now)
    judge_again(scope, session, again)
    return len(set(again))


def _note(session: Session, event: Event, said: Feedback, *, verdict: str, code: str, at: datetime) -> None:
    """The append-only record names the feedback, not the person."""
    insert_rows(
        session,
        Decision,
        [
            {
                "stage": Stage.MATCH,
                "verdict": verdict,
                "reason_code": code,
                "reason": said.effect[:1].upper() + said.effect[1:] + ".",
                "evidence": "",
                "parts": {},
                "engine": FEEDBACK_ENGINE,
                "engine_version": str(said.id),
                "article_id": event.article_id,
                "client_id": event.client_id,
                "event_id": event.id,
                "user_id": None,
                "job_run_id": None,
                "created_at": at,
            }
        ],
    )
