"""Lists of names in a headline."""

from __future__ import annotations

import re

from tasks.companies.frequency import gerund
from tasks.companies.lexicon import lexicon
from tasks.companies.spot import Spot

_SEPARATOR = re.compile(r",\s+and\s+|,\s*|\s+and\s+|\s+&\s+")
_STOP = re.compile(r"[:;?!—–|](?:\s|$)|(?<=\w\w)\.\s|\s-\s")
_WORD = re.compile(r"[\w'.&$-]+")
_LONGEST_ITEM = 4

Span = tuple[int, int]


def enumeration(at: Spot, own_spans: list[Span]) -> int:
    """How many items stand in the list of which the hit is one; 1 where it stands alone.

    Items are divided by commas, "and" or "&"; the hit must be all of its item, bar a word. The first item
    may carry the words before the list, the last one those after it. Items that name the same company
    (`own_spans`) count once; "and more" counts as two.
    """
    raw = at.text.raw
    if "," not in raw and " and " not in raw and " & " not in raw:
        return 1
    begin, end = at.text.tokens[at.first].start, at.text.tokens[at.last].end
    items = _items(raw, begin, end)
    mine = next((k for k, (a, b) in enumerate(items) if a <= begin < b), None)
    if mine is None or len(items) == 1:
        return 1
    if _adverbial(raw, items[0]) and mine > 0:
        # "Facing threats from abroad, Acme ...": the comma ends a phrase, not an item
        items, mine = items[1:], mine - 1
    lo = hi = mine
    led = raw[items[mine][0] : begin].lower().split()
    if len(led) <= 1 and not (mine > 0 and led and led[0] in lexicon()["verb_bases"]):
        while lo > 0 and (lo == mine or _short(raw, items[lo])) and _names(raw, items[lo - 1], last=True):
            lo -= 1
    behind = raw[end : items[mine][1]].split()
    if len(behind) <= 1 or (len(behind) == 2 and behind[0] == "'s"):
        while (
            hi + 1 < len(items)
            and (hi == mine or _short(raw, items[hi]))
            and _names(raw, items[hi + 1], last=False)
            and not _apposition(raw, items, hi + 1)
        ):
            hi += 1
    listed = items[lo : hi + 1]
    own = sum(any(a <= s < b for s, _ in own_spans) for a, b in listed)
    more = any(raw[a:b].lower().startswith(("more", "other")) for a, b in listed)
    return len(listed) - max(0, own - 1) + more


def _adverbial(raw: str, span: Span) -> bool:
    """Whether a piece opens with a participle or preposition, as a phrase before the sentence does."""
    words: list[str] = _WORD.findall(raw[span[0] : span[1]])
    if len(words) < 2:
        return False
    low, lex = words[0].lower(), lexicon()
    return gerund(low) or low in lex["prepositions"] or low in lex["clause_words"]


def _items(raw: str, begin: int, end: int) -> list[Span]:
    """The pieces of the clause around a place, divided at commas and conjunctions."""
    left = max((m.end() for m in _STOP.finditer(raw, 0, begin)), default=0)
    stop = _STOP.search(raw, end)
    right = stop.start() if stop else len(raw)
    items: list[Span] = []
    for separator in _SEPARATOR.finditer(raw, left, right):
        items.append((left, separator.start()))
        left = separator.end()
    return [*items, (left, right)]


def _names(raw: str, span: Span, *, last: bool) -> bool:
    """Whether a piece could be a listed name: its word towards the hit is a capitalised one."""
    words: list[str] = _WORD.findall(raw[span[0] : span[1]])
    if not words:
        return False
    lex = lexicon()
    word = words[-1] if last else words[0]
    low = word.lower().rstrip(".'")
    if low in ("more", "others", "other"):
        return True
    if low in lex["weekdays"] or low in lex["function"] or low in lex["verbs"]:
        return False
    # ", Ending a Fight" and ", Sources Say" are clauses
    if not last and (gerund(low) or any(w.lower() in lex["verb_bases"] | lex["verbs"] for w in words[1:2])):
        return False
    return word[:1].isupper() or word.startswith("$")


def _apposition(raw: str, items: list[Span], k: int) -> bool:
    """ ", maker of pills,": a piece between commas that describes the one before it."""
    words: list[str] = _WORD.findall(raw[items[k][0] : items[k][1]])
    return k + 1 < len(items) and any(w in ("of", "for", "behind", "the") for w in words)


def _short(raw: str, span: Span) -> bool:
    return len(raw[span[0] : span[1]].split()) <= _LONGEST_ITEM
