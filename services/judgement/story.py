"""Which story a text would be part of, and what speaks for and against it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session

from models.news import Article, placed_since
from models.scope import Scope
from models.settings import get_settings
from tasks.dedupe.drafts import doc_of
from tasks.dedupe.explain import explain_story
from tasks.dedupe.stories import StoryConfig, StoryIndex
from tasks.profiles import Portfolio


class Likeness(BaseModel):
    """Two articles compared by themselves."""

    joined: bool
    reason_code: str
    sentence: str
    similarity: float
    threshold: float
    conflict: str
    shared: list[str]
    """The words both have, the most telling first."""


class StoryJudgement(BaseModel):
    """Whether a text would join a known story. Without ``story_id`` nothing known is near."""

    joined: bool
    reason_code: str
    sentence: str
    story_id: str = ""
    nearest: str = ""
    """Title of the nearest article of that story."""
    articles: int = 0
    likeness: Likeness | None = None


def would_join(scope: Scope, session: Session, article: Article, clients: Portfolio) -> StoryJudgement:
    """Where the dedupe stage would place the article among the stories of its window, and why; it is not placed."""
    at = article.at
    window = timedelta(days=get_settings().story_window_days)
    placed = placed_since(scope, session, at - window)
    docs = {str(one.id): doc_of(one, clients) for one in placed}
    story_of = {str(one.id): str(one.story_id) for one in placed}
    config = StoryConfig(window=window)
    index = StoryIndex(config)
    index.seed([(docs[key], story) for key, story in story_of.items()])
    doc = doc_of(article, clients)
    [placement] = index.add([doc])
    beside = placement.joined_to or placement.nearest
    if beside is None:
        return StoryJudgement(
            joined=False, reason_code=str(placement.reason), sentence="Nothing known is near: a new story."
        )
    members = [docs[key] for key, story in story_of.items() if story == story_of[beside]]
    told = explain_story(doc, members, config)
    pair = told.pairs[beside]
    joined = placement.joined_to is not None
    sentence = told.sentence if told.joined == joined else _window(joined, told.sentence)
    return StoryJudgement(
        joined=joined,
        reason_code=str(placement.reason),
        sentence=named(sentence, clients),
        story_id=story_of[beside],
        nearest=docs[beside].title,
        articles=len(members),
        likeness=Likeness(
            joined=pair.joined,
            reason_code=pair.reason,
            sentence=named(pair.sentence, clients),
            similarity=pair.similarity,
            threshold=pair.threshold,
            conflict=pair.conflict or "",
            shared=[one.word for one in pair.shared],
        ),
    )


def named(value: Any, clients: Portfolio) -> Any:
    """The engine's words with the clients' names in place of their ids, however they are nested."""
    if isinstance(value, str):
        for client_id, client in clients.clients.items():
            value = value.replace(str(client_id), client.name)
        return value
    if isinstance(value, Mapping):
        return {key: named(one, clients) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [named(one, clients) for one in value]
    return value


def _window(joined: bool, sentence: str) -> str:
    """What to say where the whole window decides otherwise than the story's articles would alone."""
    decided = "joins it" if joined else "stays apart"
    return f"Among all the news of the window it {decided}. By themselves: {sentence}"
