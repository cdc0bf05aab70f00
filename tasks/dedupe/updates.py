"""What a later article adds to its story: a new stage, a new figure, a new party. In doubt nothing."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from tasks.dedupe.features import rarity
from tasks.dedupe.stories import Doc
from tasks.dedupe.text import clean, tokens

__all__ = ["is_material_update"]

_UNITS: Final = {
    "thousand": 1e3, "k": 1e3,
    "million": 1e6, "mn": 1e6, "m": 1e6, "mln": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "bln": 1e9,
    "trillion": 1e12, "tn": 1e12, "t": 1e12, "trn": 1e12,
}  # fmt: skip
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_MONEY: Final = re.compile(
    rf"(?:US|A|C)?[$€£¥₹]\s?(\d[\d,]*(?:\.\d+)?)(?:\s?({_UNIT})\b)?"
    rf"|\b(\d[\d,]*(?:\.\d+)?)\s?({_UNIT})\s(?:dollars?|euros?|pounds?|yen|yuan|rupees|francs?|USD|EUR|GBP)\b",
    re.I,
)
_CURRENCIES: Final = tuple(
    (re.compile(pattern, re.I), symbol)
    for pattern, symbol in (
        (r"\$|dollar|USD", "$"),
        (r"€|euro|EUR", "€"),
        (r"£|pound|GBP", "£"),
        (r"¥|yen|yuan", "¥"),
        (r"₹|rupee", "₹"),
        (r"franc", "CHF"),
    )
)
_SHARE: Final = re.compile(r"\b(\d+(?:\.\d+)?)\s?(?:%|per ?cent\b|pct\b)", re.I)
_COUNT: Final = re.compile(
    rf"(?<![$€£¥₹\d.,])(?<!&P )\b(\d{{1,3}}(?:,\d{{3}})+|\d{{3,}}|\d+(?:\.\d+)?(?=\s(?:{_UNIT})\b))(?:\s({_UNIT})\b)?"
    r"\s(?=[a-z])(?!per ?cent|pct|dollars?|euros?|pounds?)",
    re.I,
)
_MARKET: Final = re.compile(
    r"\b(?:shares?|stocks?|futures|index|ris(?:es?|ing)|rose|f[ae]lls?|jump|drop|surge|soar|slump|plunge|tumble|sink|gain|slid)",
    re.I,
)
_SAME: Final = 0.03
"""Figures this close are one, rounded differently."""

# The stages of a deal or a case, in order; a later one that nobody told of is news.
_STAGES: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.I), axis, rank, phrase)
    for axis, rank, phrase, pattern in (
        ("deal", 1, "in talks", r"in talks|explor(?:es|ing)|considers?|considering|weighs|mulls?|seeks?"),
        ("deal", 2, "agreed", r"to (?:buy|acquire|merge)|agrees? to|agreed to|strikes? (?:a )?deal|signs?"),
        ("deal", 3, "approved", r"approv(?:es|ed|al)|clears?|cleared|green-?light(?:s|ed)?"),
        ("deal", 4, "completed", r"complet(?:es|ed|ion of)|finali[sz]e[sd]?"
         r"|closes? (?:the )?(?:deal|acquisition|takeover|merger|purchase)"),
        ("deal", 4, "blocked", r"blocks?|blocked|prohibits?|prohibited"),
        ("deal", 4, "called off", r"calls? off|called off|scraps?|scrapped|abandons?|abandoned|terminates?|terminated"
         r"|walks? away|withdraws?|withdrawn"),
        ("case", 1, "sued", r"sues?|sued|lawsuit|files? suit"),
        ("case", 2, "charged", r"charged with|indict(?:s|ed|ment)|pleads?|pleaded"),
        ("case", 3, "settled", r"settles?|settled|settlement"),
        ("case", 3, "ruled", r"rules|ruled|verdict|convicted|acquitted|found (?:not )?guilty|dismiss(?:es|ed)"),
        ("case", 4, "appealed", r"appeals|appealed|overturn(?:s|ed)"),
        ("case", 4, "sentenced", r"sentenced|jailed"),
    )
)  # fmt: skip
_DOUBT: Final = re.compile(
    r"\b(?:may|might|could|would|if|unless|expected to|plans? to|set to|denie[sd]|not)\b", re.I
)
_NAME: Final = re.compile(r"(?:[A-Z][\w&'’.-]*[\w&])(?: (?:of |& )?[A-Z][\w&'’.-]*[\w&])*")
_JOINING: Final = re.compile(r"\b(?:joins?|joined|rival|from|with|by|backs?|bids?|sues?|alongside)\b", re.I)
_RARE: Final = 6.0
"""A name must be rarer than about once in 40,000 words to be one and not a title-cased word."""


def is_material_update(old: Sequence[Doc], new: Doc) -> str | None:
    """What `new` adds to the story told by `old`, as a phrase for its reader ("new figure: $6.5 billion",
    "new stage: completed", "new party: Northwind"), or None for a retelling.

    Conservative: only the title of `new` counts, against titles and snippets of all of `old`; figures that are the
    same but for rounding, speculation ("could", "plans to"), percentages of market chatter, and names where too
    little was told before are no news.
    """
    if not old:
        return None
    title = clean(new.title, new.source)
    told = [f"{clean(d.title, d.source)}. {clean(d.snippet, d.source)}" for d in old]
    return _stage(title, told) or _figure(title, told) or _party(title, told, new, old)


def _stage(title: str, told: Sequence[str]) -> str | None:
    if _DOUBT.search(title):
        return None
    reached: dict[str, int] = {}
    phrases: set[str] = set()
    for text in told:
        for pattern, axis, rank, phrase in _STAGES:
            if pattern.search(text):
                reached[axis] = max(rank, reached.get(axis, 0))
                phrases.add(phrase)
    for pattern, axis, rank, phrase in reversed(_STAGES):
        # Without an earlier stage it is not known that the word speaks of this deal or case.
        if (
            axis in reached
            and rank >= max(2, reached[axis])
            and phrase not in phrases
            and pattern.search(title)
        ):
            return f"new stage: {phrase}"
    return None


def _figure(title: str, told: Sequence[str]) -> str | None:
    for kind, pattern in (("money", _MONEY), ("share", _SHARE), ("count", _COUNT)):
        if kind == "share" and _MARKET.search(title):
            continue
        found = [pair for text in told for pair in _values(pattern, text)]
        known = [value for value, _ in found]
        currencies = {c for _, words in found for c in _currency(words)}
        for value, words in _values(pattern, title):
            if kind == "money" and currencies and not _currency(words) & currencies:
                continue  # the same sum in another currency, for all we know
            year = kind == "count" and 1900 <= value <= 2100
            if not year and not any(math.isclose(value, other, rel_tol=_SAME) for other in known):
                return f"new figure: {words}"
    return None


def _currency(words: str) -> set[str]:
    """The currency of a sum, as its symbol."""
    return {symbol for pattern, symbol in _CURRENCIES if pattern.search(words)}


def _values(pattern: re.Pattern[str], text: str) -> Iterable[tuple[float, str]]:
    for match in pattern.finditer(text):
        groups = [g for g in match.groups() if g]
        number = float(groups[0].replace(",", ""))
        unit = _UNITS[groups[1].lower()] if len(groups) > 1 else 1.0
        yield number * unit, match.group(0).strip()


def _party(title: str, told: Sequence[str], new: Doc, old: Sequence[Doc]) -> str | None:
    words = re.findall(r"[^\W\d_]{4,}", title)
    capitals = sum(w[0].isupper() for w in words)
    sentence_case = words and capitals * 2 <= len(words)
    if not sentence_case or not _JOINING.search(title) or (len(old) < 2 and not old[0].snippet):
        return None
    known = {t for text in told for t in tokens(text)} | {
        t for d in (*old, new) for t in tokens(d.source or "")
    }
    for match in _NAME.finditer(title):
        name = match.group(0)
        parts = tokens(name)
        if match.start() and parts and not known & set(parts) and min(rarity(t) for t in parts) >= _RARE:
            return f"new party: {name}"
    return None
