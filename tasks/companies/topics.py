"""Is the news about a company because a word leads to it: "layoffs at X", "lawsuit against X"?"""

from __future__ import annotations

import re

from tasks.companies.frequency import verbish
from tasks.companies.spot import Spot

SPEAKERS = frozenset({"banking", "media"})
"""Industries that speak of others: what they say is not news of them."""
_SECOND = re.compile(r"(\w+) (\w+) [A-Z][\w.&-]+(?: [A-Z][\w.&-]+)?(?:,| and| or| &) $")
_TO_ANOTHER = re.compile(r" to [A-Z]")
_AMOUNTS = frozenset({"million", "billion", "bn", "mn", "m", "trillion"})
_BETWEEN = re.compile(r"\b[Bb]etween (?:[\w.&'’-]+ ){1,6}and $")


def led_to(at: Spot) -> bool:
    """ "layoffs at X", "lawsuit against X", "$1 billion loan to X", "control of X"."""
    if at.before in at.lex["reports"]:
        # "jury finds X liable"; "rates may fall, says X" only where X speaks of itself
        if at.right is not None:
            return not at.lex.function(at.after)
        return bool(at.know.industries) and not at.know.industries & SPEAKERS
    if (at.before == "between" or _BETWEEN.search(at.text.raw[: at.hit.start])) and at.text.norms & at.lex[
        "topics"
    ]:
        return True
    before, before_that = _lead(at)
    if before not in at.lex["prepositions"]:
        return _joined_topic(at)
    if before in at.lex["comparisons"]:
        return False
    if before == "by" and before_that in at.lex["lent_by"]:
        return False
    if before in ("by", "against", "at", "behind"):
        return True
    moved = at.lex["transfers"] if _TO_ANOTHER.match(at.tail) else frozenset()
    if before == "from" and not at.text.norms.isdisjoint(at.lex["product_verbs"] | at.lex["leaves"] | moved):
        # "agency approves a pill from X"
        return True
    if before == "of" and before_that in at.lex["quantities"]:
        return True
    if not at.lex["topics"].isdisjoint((before_that, _noun_before(at))):
        return True
    if before in ("of", "at", "for") and before_that in at.lex["roles"]:
        return True
    if before == "with" and (before_that in ("up", "forces") or at.earlier(7) & at.lex["joint_affairs"]):
        # "announces a deal on prices with X"
        return True
    given = before == "to" and not at.text.norms.isdisjoint(at.lex["handovers"])
    return given and not verbish(at.words[0])


def _joined_topic(at: Spot) -> bool:
    """ "deals with Acme, X": the second of two names behind a topic noun."""
    match = _SECOND.search(at.text.raw[: at.hit.start])
    if match is None:
        return False
    noun, preposition = match.group(1).lower(), match.group(2).lower()
    if preposition in ("by", "against", "at"):
        return True
    return preposition in at.lex["prepositions"] and noun in at.lex["topics"]


def _lead(at: Spot) -> tuple[str, str]:
    """The two words before the name, over its owner: "loses the crown to China's X"."""
    if not at.owned:
        return at.before, at.before_that
    i = before_owner(at)
    words = [t.norm for t in at.text.tokens[max(0, i - 1) : i + 1]] if i >= 0 else []
    return (words[-1] if words else ""), (words[0] if len(words) > 1 else "")


def before_owner(at: Spot) -> int:
    """The index of the word before the owner of the name, -1 where there is none."""
    i = at.first - 2
    while i >= 0 and at.text.capital(i):
        i -= 1
    return i


def _noun_before(at: Spot) -> str:
    """The word that leads to the name, over the sum between them: "invests $20M in X"."""
    i = at.first - 2
    while i > 0 and (at.text.tokens[i].norm[:1].isdigit() or at.text.tokens[i].norm in _AMOUNTS):
        i -= 1
    return at.text.tokens[i].norm if i < at.first - 2 else at.before_that
