"""Is a text about another field of life, in which the name means something else?

Wildlife, weather, sport, the sky, faith, books, war: two words of one of them, and none of the company's trade,
speak against a name that is also a word.
"""

from __future__ import annotations

import re

from tasks.companies.context import Text
from tasks.companies.lexicon import Lexicon
from tasks.companies.spot import Finding, Spot

_FIELDS = ("wildlife", "weather", "sports", "astronomy", "faith", "letters", "war", "politics")
_KNOWN = 0.15
"""Below this doubt a name is itself whatever the text is about."""
_TWO, _MANY = 1.8, 2.6
_RESULT = re.compile(
    r"\b(?:to|in|by|for|win|won|loss|lose|lost|beats?|falls?|drops?|improves?)\s\d{1,3}-\d{1,3}\b"
)


def elsewhere(at: Spot, title: Text, snippet: Text | None) -> Finding | None:
    """What a text about another field of life says against a name that is also a word."""
    if at.doubt < _KNOWN or (at.know.terms & title.norms).difference(at.words):
        return None
    if _sports_result(at.lex, title):
        return "another_field", -5.0
    norms = title.norms if snippet is None else title.norms | snippet.norms
    strange = norms - at.know.terms - at.know.own
    most = max(len(at.lex[field] & strange) for field in _FIELDS)
    if most < 2:
        # one word stands anywhere
        return None
    return "another_field", -(_TWO if most == 2 else _MANY) * at.doubt


def _sports_result(lex: Lexicon, title: Text) -> bool:
    """ "drops to 2-8 after a punt": a score in a text about sport."""
    return not lex["sports"].isdisjoint(title.norms) and _RESULT.search(title.raw.lower()) is not None
