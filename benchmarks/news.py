"""Invented clients and a week of invented news about them, always the same for the same numbers.

Of a client's articles about four in ten tell a story again: some nearly word for word under another outlet's name,
some in other words. About one in seven names the client in passing or not at all. As a script it writes an archive:
``python -m benchmarks.news CLIENTS PATH [EACH]``.
"""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.words import (
    ADJECTIVES,
    BODIES,
    ENDS,
    FAMILY,
    GIVEN,
    MIDDLES,
    NOISE,
    NOUNS,
    ONSETS,
    OUTLETS,
    PERIODS,
    PLACES,
    PRODUCTS,
    STORIES,
    TAILS,
    TRADES,
    VERBS,
)

ARTICLES_A_CLIENT = 100
AS_OF = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
DAYS = 7
RETOLD = 0.4
NOISY = 0.15
_SEED = 20260310


@dataclass(frozen=True, slots=True)
class Company:
    """An invented client."""

    name: str
    trade: str
    keywords: tuple[str, ...]
    tier: str


def companies(count: int) -> list[Company]:
    """The first ``count`` clients; no two share a first word. A longer list starts with a shorter one."""
    rng = random.Random(_SEED)
    used: set[str] = set()
    found = []
    for number in range(count):
        trade = rng.choice(sorted(TRADES))
        word = _coined(rng, used)
        name = (
            word,
            f"{word} {trade}",
            f"{word} {trade}",
            f"{word} & {rng.choice(FAMILY)}",
            f"{word} {rng.choice(PLACES)} {trade}",
        )[number % 5]
        tier = rng.choice(("strategic", "growth", "standard"))
        found.append(Company(name, trade, tuple(rng.sample(TRADES[trade], 2)), tier))
    return found


def articles(count: int, each: int = ARTICLES_A_CLIENT) -> list[dict[str, Any]]:
    """A week of news about ``count`` clients, ``each`` articles a client, oldest first, as an archive's rows."""
    found: list[dict[str, Any]] = []
    for number, company in enumerate(companies(count)):
        found += _about(company, random.Random(_SEED + 1 + number), f"{number}", each)
    found.sort(key=lambda row: (row["published_at"], row["url"]))
    return found


def write_archive(path: Path, count: int, each: int = ARTICLES_A_CLIENT) -> int:
    """Write the news as JSON lines; how many there are."""
    rows = articles(count, each)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return len(rows)


def _coined(rng: random.Random, used: set[str]) -> str:
    while True:
        word = rng.choice(ONSETS) + rng.choice(MIDDLES) * rng.randint(0, 1) + rng.choice(ENDS)
        if word not in used:
            used.add(word)
            return word


def _about(company: Company, rng: random.Random, mark: str, each: int) -> Iterator[dict[str, Any]]:
    told = round(each * (1 - RETOLD))
    again = _shares(rng, told, each - told)
    for number, copies in enumerate(again):
        facts = _facts(company, rng)
        noise = rng.random() < NOISY
        heads, leads = _tellings(rng, noise)
        at = AS_OF - timedelta(seconds=rng.randrange(DAYS * 86_400))
        outlets = rng.sample(OUTLETS, copies + 1)
        tails = [tail.format(**facts) for tail in rng.sample(TAILS, 4)]
        title, lead = heads[0].format(**facts), f"{leads[0].format(**facts)} {tails[0]} {tails[1]}"
        yield _row(title, lead, outlets[0], at, f"{mark}-{number}")
        for copy, outlet in enumerate(outlets[1:], 1):
            # Never beyond the archive's newest moment, or its clock would not be AS_OF.
            later = min(AS_OF, at + timedelta(minutes=rng.randrange(5, 36 * 60)))
            other, words = title, lead
            if noise or rng.random() < 0.4:
                other = f"{title} - {outlet}" if rng.random() < 0.5 else title
                words = lead if rng.random() < 0.5 else lead[: rng.randint(90, 140)] + " …"
            else:
                other = heads[copy % len(heads)].format(**facts)
                words = f"{leads[copy % len(leads)].format(**facts)} {tails[copy % 4]} {tails[0]}"
            yield _row(other, words, outlet, later, f"{mark}-{number}-{copy}")


def _shares(rng: random.Random, stories: int, copies: int) -> list[int]:
    """How often each story is told again: most never, a few many times, ``copies`` in all."""
    again = [0] * stories
    loud = rng.sample(range(stories), max(1, stories // 4))
    for _ in range(copies):
        story = rng.choice(loud)
        while again[story] >= len(OUTLETS) - 1:
            story = rng.randrange(stories)
        again[story] += 1
    return again


def _tellings(rng: random.Random, noise: bool) -> tuple[Sequence[str], Sequence[str]]:
    if noise:
        head, lead = rng.choice(NOISE)
        return (head,), (lead,)
    heads, leads = STORIES[rng.choice(sorted(STORIES))]
    return rng.sample(heads, len(heads)), rng.sample(leads, len(leads))


def _facts(company: Company, rng: random.Random) -> dict[str, str]:
    def person() -> str:
        return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"

    def other() -> str:
        return f"{_coined(rng, set())} {rng.choice(sorted(TRADES))}"

    def money() -> str:
        amount = rng.choice((f"{rng.randint(2, 980)}", f"{rng.randint(1, 9)}.{rng.randint(1, 9)}"))
        return f"{rng.choice('$€£')}{amount} {rng.choice(('million', 'million', 'million', 'billion'))}"

    city, elsewhere = rng.sample(PLACES, 2)
    return {
        "c": company.name,
        "p": other(),
        "q": other(),
        "y": other(),
        "who": person(),
        "w": person(),
        "city": city,
        "x": elsewhere,
        "money": money(),
        "m": money(),
        "pct": str(rng.randint(2, 60)),
        "k": str(rng.randint(4, 19)),
        "n": str(rng.choice((rng.randint(20, 990), rng.randint(10, 90) * 100))),
        "thing": f"{rng.choice(ADJECTIVES)} {rng.choice(TRADES[company.trade])}",
        "a": rng.choice(ADJECTIVES),
        "b": rng.choice(ADJECTIVES),
        "u": rng.choice(NOUNS),
        "v": rng.choice(NOUNS),
        "d": rng.choice(VERBS),
        "e": rng.choice(VERBS),
        "prod": f"{rng.choice(PRODUCTS)} {rng.randint(2, 900)}",
        "when": rng.choice(PERIODS),
        "body": rng.choice(BODIES),
    }


def _row(title: str, snippet: str, outlet: str, at: datetime, slug: str) -> dict[str, Any]:
    title = title[0].upper() + title[1:]
    host = outlet.lower().replace(" ", "-")
    return {
        "title": title,
        "snippet": snippet[0].upper() + snippet[1:],
        "url": f"https://{host}.example/{at:%Y/%m/%d}/{slug}",
        "source": outlet,
        "published_at": at.isoformat(),
    }


if __name__ == "__main__":
    counts = [int(sys.argv[1]), *map(int, sys.argv[3:4])]
    print(json.dumps({"articles": write_archive(Path(sys.argv[2]), *counts)}))
