"""The project's own grouping, through its public door."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from benchmarks.grouping.labelled import Article
from tasks.dedupe.stories import Doc
from tasks.dedupe.stories import group as group_stories


def read(articles: Sequence[Article], _variant: str = "") -> list[Doc]:
    return [
        Doc(one.key, one.title, one.snippet or None, one.source, one.url, _time(one.at)) for one in articles
    ]


def read_with_clients(articles: Sequence[Article], _variant: str = "") -> list[Doc]:
    """As the pipeline's own stage does it: it knows the client each article was found for."""
    return [
        replace(doc, names=(one.client,), parties=frozenset((one.client,))) if one.client else doc
        for doc, one in zip(read(articles), articles, strict=True)
    ]


def group(docs: Sequence[Doc], _threshold: float = 0.0) -> Sequence[Hashable]:
    stories = group_stories(docs)
    return [stories[doc.key] for doc in docs]


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
