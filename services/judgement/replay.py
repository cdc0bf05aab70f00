"""The log of stories, replayed: what was decided of an article then, and what the same arithmetic says now."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session

from models.engine import reading
from models.events import Decision, Stage, decisions_about
from models.news import Article, articles_of_story
from models.scope import Scope
from models.settings import get_settings
from services.errors import UserError
from services.judgement.story import named
from services.why import find_article
from tasks.dedupe.doc import StoryConfig
from tasks.dedupe.drafts import doc_of
from tasks.dedupe.explain import explain_pair, explain_story
from tasks.profiles import Portfolio, portfolio

_JOINED = "the same story"
_APART = "two stories"
_FOUNDED = "founded"


class Entry(BaseModel):
    """One article of a story: the decision stored when it came, and the comparison made again."""

    id: str
    title: str
    source: str
    at: datetime
    verdict: str
    reason_code: str
    sentence: str
    engine: str
    joined: bool
    """False: it founded the story."""
    other: str
    """Title of the article it joined, or was alike and yet kept apart from; empty where nothing was near."""
    score: float | None
    now: str
    """What the comparison with that article says today; empty where there is none to make."""
    agrees: bool | None
    """Whether today's comparison of the two decides the same; None without one."""


class StoryLog(BaseModel):
    """How a story came to be."""

    story_id: str
    articles: list[Entry]


class PairLog(BaseModel):
    """Why two articles are one story or two."""

    left: Entry
    right: Entry
    same_story: bool
    comparison: dict[str, Any]
    """The two by themselves, in full."""
    story: str
    """What the rest of the story adds, as a sentence; empty where the story is these two."""
    agrees: bool
    """Whether what is stored and what is worked out now come to the same."""
    answer: str


def story_log(scope: Scope, wanted: str) -> StoryLog:
    """The story of an article, given by its id, address or title. UserError when there is none."""
    with reading(scope) as session:
        article = _placed(scope, session, wanted)
        clients = portfolio(scope, session)
        assert article.story_id is not None
        members = articles_of_story(scope, session, article.story_id)
        return StoryLog(
            story_id=str(article.story_id),
            articles=[_entry(scope, session, one, clients) for one in members],
        )


def pair_log(scope: Scope, first: str, second: str) -> PairLog:
    """Why two articles are one story or two, from the record and worked out again."""
    with reading(scope) as session:
        left, right = _placed(scope, session, first), _placed(scope, session, second)
        if left.id == right.id:
            raise UserError("these are the same article", "name two different ones")
        clients = portfolio(scope, session)
        config = _config()
        docs = doc_of(left, clients), doc_of(right, clients)
        pair = explain_pair(*docs, config)
        same = left.story_id == right.story_id
        assert left.story_id is not None
        others = [
            one
            for one in articles_of_story(scope, session, left.story_id)
            if one.id not in (left.id, right.id)
        ]
        whole = explain_story(docs[1], [docs[0], *(doc_of(one, clients) for one in others)], config)
        by_story = named(whole.sentence, clients) if others else ""
        joined_now = whole.joined if others else pair.joined
        return PairLog(
            left=_entry(scope, session, left, clients),
            right=_entry(scope, session, right, clients),
            same_story=same,
            comparison=named(pair.as_json(), clients),
            story=by_story,
            agrees=joined_now == same,
            answer=_answer(same, pair.joined, joined_now, bool(others)),
        )


def _answer(same: bool, pair: bool, now: bool, others: bool) -> str:
    stored = f"They are {_JOINED if same else _APART}."
    if now == same and pair == same:
        return f"{stored} Worked out again it comes to the same."
    if now == same:
        through = "through the story's other articles" if others else "by themselves"
        return f"{stored} By themselves they would be {_APART if same else _JOINED}; {through} it comes to the same."
    return (
        f"{stored} Worked out again they would be {_JOINED if now else _APART}: other news of the window, an update of"
        " the engine, or a client added since made the difference."
    )


def _placed(scope: Scope, session: Session, wanted: str) -> Article:
    article = find_article(scope, session, wanted)
    if article is None:
        raise UserError(f"no article found for {wanted!r}", "give its id, its address, or words of its title")
    if article.story_id is None:
        raise UserError(f"{article.title!r} is in no story", "only articles that name a client are grouped")
    return article


def _config() -> StoryConfig:
    return StoryConfig(window=timedelta(days=get_settings().story_window_days))


def _entry(scope: Scope, session: Session, article: Article, clients: Portfolio) -> Entry:
    stored = [d for d in decisions_about(scope, session, article.id) if d.stage is Stage.DEDUPE]
    last = stored[-1] if stored else None
    joined = last is not None and last.verdict != _FOUNDED
    other = find_article(scope, session, last.evidence) if last is not None and last.evidence else None
    now, agrees = "", None
    if other is not None:
        pair = explain_pair(doc_of(other, clients), doc_of(article, clients), _config())
        now, agrees = named(pair.sentence, clients), pair.joined == joined
    return Entry(
        id=str(article.id),
        title=article.title,
        source=article.source or article.publisher,
        at=article.at,
        verdict=last.verdict if last else "",
        reason_code=last.reason_code if last else "",
        sentence=last.reason if last else "The decision is past its retention.",
        engine=f"{last.engine} {last.engine_version}" if last else "",
        joined=joined,
        other=other.title if other is not None else "",
        score=_score(last),
        now=now,
        agrees=agrees,
    )


def _score(decision: Decision | None) -> float | None:
    score = decision.parts.get("score") if decision is not None else None
    return float(score) if score is not None else None
