"""Labelled articles: read from files or invented, and parted into halves.

A line of a file is {id, title, snippet?, url?, source?, published_at?, story}, as ``client-monitor evaluate stories``
takes it.
"""

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.news import articles as invented_articles
from benchmarks.news import companies

INVENTED_CLIENTS = 20
INVENTED_EACH = 50
_SEED = 3


@dataclass(frozen=True, slots=True)
class Article:
    """An article and the label of its story. ``at`` is ISO 8601, as in the file; ``client`` is whom it was found for,
    which the pipeline knows and a labelled file does not say."""

    key: str
    story: str
    title: str
    snippet: str = ""
    source: str | None = None
    url: str | None = None
    at: str | None = None
    client: str | None = None

    @property
    def text(self) -> str:
        """What the baselines read."""
        return f"{self.title}\n{self.snippet}".strip()


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set to measure on. A diagnostic one has no say in the choice of a threshold for all sets."""

    name: str
    articles: tuple[Article, ...]
    diagnostic: bool = False

    @property
    def stories(self) -> int:
        return len({article.story for article in self.articles})

    @property
    def knows_clients(self) -> bool:
        return any(article.client for article in self.articles)


def read(path: Path) -> list[Article]:
    """The file's articles, in its order; ValueError naming the line that is no article or bears a known id."""
    found: dict[str, Article] = {}
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                article = Article(
                    str(row["id"]),
                    str(row["story"]),
                    row["title"],
                    row.get("snippet") or "",
                    row.get("source"),
                    row.get("url"),
                    row.get("published_at"),
                )
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{path.name}, line {number}: not a labelled article ({error!r})") from None
            if article.key in found:
                raise ValueError(f"{path.name}, line {number}: id {article.key!r} was used before")
            found[article.key] = article
    return list(found.values())


def save(path: Path, articles: Sequence[Article]) -> None:
    """Write articles for another process; ``load`` reads them back."""
    path.write_text(json.dumps([asdict(article) for article in articles]), encoding="utf-8")


def load(path: Path) -> list[Article]:
    return [Article(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def invented(clients: int = INVENTED_CLIENTS, each: int = INVENTED_EACH) -> list[Article]:
    """The benchmarks' own news (``benchmarks.news``) with the story each article tells."""
    names = [company.name for company in companies(clients)]
    found = []
    for row in invented_articles(clients, each):
        # An address ends in CLIENT-STORY or CLIENT-STORY-COPY. The address itself is withheld: it would tell.
        slug = row["url"].rsplit("/", 1)[1]
        client, number = slug.split("-")[:2]
        found.append(
            Article(
                slug,
                f"{client}-{number}",
                row["title"],
                row["snippet"],
                row["source"],
                at=row["published_at"],
                client=names[int(client)],
            )
        )
    return found


def titles_only(articles: Sequence[Article]) -> tuple[Article, ...]:
    return tuple(replace(article, snippet="") for article in articles)


def halves(articles: Sequence[Article], seed: int = _SEED) -> tuple[list[Article], list[Article]]:
    """Two parts that share no story, of about as many stories each; the same for the same articles and seed.

    Stories that are each other's nearest go to the same part: parted at random, look-alikes would be separated by the
    split, and what is hard about the file would be gone.
    """
    told: dict[str, list[str]] = defaultdict(list)
    for article in articles:
        told[article.story].append(article.text)
    pairs = _look_alikes({story: " ".join(texts) for story, texts in told.items()})
    random.Random(seed).shuffle(pairs)
    first: set[str] = set()
    for pair in pairs:
        if len(first) < len(told) / 2:
            first.update(pair)
    return (
        [article for article in articles if article.story in first],
        [article for article in articles if article.story not in first],
    )


def _look_alikes(texts: dict[str, str]) -> list[tuple[str, ...]]:
    """The stories in pairs, the most alike first, a last odd one alone."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

    names = sorted(texts)
    if len(names) < 2:
        return [(name,) for name in names]
    rows = TfidfVectorizer(sublinear_tf=True).fit_transform(texts[name] for name in names)
    alike = np.triu((rows @ rows.T).toarray(), 1)
    left, right = np.triu_indices(len(names), 1)
    order = np.argsort(-alike[left, right], kind="stable")
    free = set(range(len(names)))
    pairs: list[tuple[str, ...]] = []
    for one, other in zip(left[order].tolist(), right[order].tolist(), strict=True):
        if one in free and other in free:
            free -= {one, other}
            pairs.append((names[one], names[other]))
    return pairs + [(names[last],) for last in sorted(free)]
