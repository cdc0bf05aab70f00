"""Invented news about fictional clients, the same for a client and a day; no network.

What it invents is in ``mock_news.toml``. For each client: three stories told by several outlets (a wire
report, a near copy of it, rewrites), price chatter, a namesake, and one old story.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, ClassVar, NamedTuple

from tasks.search.source import About, FetchContext, Found, Page, Profile, SourceKind, SourceState

STORIES_A_DAY = 3
STALE_AFTER = timedelta(days=45)
_TEMPLATES = Path(__file__).with_name("mock_news.toml")


class Outlet(NamedTuple):
    name: str
    host: str


@lru_cache(maxsize=1)
def _templates() -> dict[str, Any]:
    return tomllib.loads(_TEMPLATES.read_text(encoding="utf-8"))


class MockSource:
    """Deterministic by the client's name and the date of ``as_of``; its items are marked as invented."""

    name: ClassVar[str] = "mock"
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    about: ClassVar[About] = About(
        title="Invented news", recipient="", sends="Nothing: its news is made up here.", calls_per_client=0
    )
    is_mock: ClassVar[bool] = True
    third_party: ClassVar[bool] = False

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        yield Page(SourceState.OK, tuple(invent(profile, context.as_of)))


def invent(profile: Profile, as_of: datetime) -> list[Found]:
    """A client's invented news of the day of ``as_of``, none of it later than that day's midnight."""
    templates = _templates()
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    rng = Random(int.from_bytes(sha256(f"{profile.name}|{midnight:%Y-%m-%d}".encode()).digest()[:8], "big"))
    newsroom = _Newsroom(profile.name, midnight, rng, templates)
    items: list[Found] = []
    *fresh, old = _choose(templates["stories"], rng, STORIES_A_DAY + 1)
    for story in fresh:
        items += newsroom.tell(story["tellings"], midnight - timedelta(minutes=rng.randint(180, 1_200)))
    moment = midnight - timedelta(minutes=rng.randint(60, 600))
    items += newsroom.tell([rng.choice(templates["chatter"])], moment)
    items += newsroom.tell([rng.choice(templates["namesakes"])], moment)
    items += newsroom.tell(old["tellings"][:1], midnight - STALE_AFTER)[:1]
    rng.shuffle(items)
    return items


def _choose(stories: list[dict[str, Any]], rng: Random, count: int) -> list[dict[str, Any]]:
    """Stories of different categories."""
    chosen: dict[str, dict[str, Any]] = {}
    for story in rng.sample(stories, len(stories)):
        chosen.setdefault(story["category"], story)
    return list(chosen.values())[:count]


class _Newsroom:
    """Fills templates for one client and spreads them over outlets."""

    def __init__(self, client: str, day: datetime, rng: Random, templates: dict[str, Any]) -> None:
        self._client = client
        self._day = day
        self._rng = rng
        self._templates = templates
        self._outlets = [Outlet(outlet["name"], outlet["host"]) for outlet in templates["outlets"]]

    def tell(self, tellings: list[dict[str, str]], first: datetime) -> list[Found]:
        """One story: the wire's report, another outlet's near copy when there are rewrites, then those."""
        facts = self._facts() | {"weekday": f"{first:%A}"}
        outlets = self._rng.sample(self._outlets, len(tellings) + 1)
        items = []
        for number, (telling, outlet) in enumerate(zip(tellings, outlets, strict=False)):
            title, lead = telling["title"].format(**facts), telling["lead"].format(**facts)
            items.append(self._item(title, lead, outlet, first + timedelta(minutes=35 * number)))
        if len(tellings) > 1:
            wire, copier = items[0], outlets[-1]
            title = f"{wire.title} | {copier.name}"
            lead = f"{(wire.snippet or '').rstrip('.')}, {outlets[0].name} reports."
            items.append(self._item(title, lead, copier, first + timedelta(minutes=20)))
        return items

    def _facts(self) -> dict[str, str]:
        rng, templates = self._rng, self._templates
        p, q = rng.sample(templates["people"], 2)
        others = [name for name in templates["companies"] if name != self._client]
        return {
            "c": self._client,
            "word": self._client.split()[0],
            "p": p,
            "q": q,
            "x": rng.choice(others),
            "m": str(rng.choice([18, 25, 40, 65, 90, 120, 240, 410, 750])),
            "n": str(rng.choice([60, 85, 120, 150, 240, 300, 450])),
            "pct": str(rng.randint(4, 29)),
            "small": f"{rng.uniform(0.2, 1.9):.1f}",
            "city": rng.choice(templates["cities"]),
            "k": rng.choice(templates["products"]),
        }

    def _item(self, title: str, lead: str, outlet: Outlet, published: datetime) -> Found:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:70]
        # Outlets hand out addresses with tracking in them; two in three here do.
        tail = self._rng.choice(["", "?utm_source=rss&utm_medium=feed", "?utm_campaign=daily"])
        url = f"https://{outlet.host}/{published:%Y/%m/%d}/{slug}{tail}"
        return Found(title=title, url=url, snippet=lead, source=outlet.name, published_at=published)
