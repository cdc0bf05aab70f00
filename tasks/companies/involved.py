"""Has a company a part in the news, beyond being named in it?

A name that opens the headline is its subject. Anywhere else it must do something, have something done to
it, own what the news is about, or be what a topic noun leads to ("lawsuit against X"). A name that is only
there ("rivals X", "like X", "and X perks") is a bystander.
"""

from __future__ import annotations

import re

from tasks.companies.frequency import adverb, foreign, gerund, singular, verbish
from tasks.companies.names import Token
from tasks.companies.spot import Finding, Spot
from tasks.companies.topics import before_owner, led_to
from tasks.companies.verbs import verb_weight

SUBJECT = 2.2
INVOLVED = 1.4
BYSTANDER = -0.8
"""Below zero, so that a bare mention is passing; not far, for the ways to have a part are open-ended."""

_WHERE = frozenset({"on", "aboard", "via", "of", "from", "in"})
_STATE_WORDS = frozenset({"in", "under", "near", "at", "on", "into"})
_PHRASE = 4
_OPENERS = frozenset({"the", "why", "how", "inside", "is", "are", "can", "did", "does", "will", "should"})
_JOINT = re.compile(r"(?:,| and| &) [A-Z][\w.&-]+(?:'s)? ([a-z]+)\b")
_SUM = re.compile(r"\s[$£€]|\.")
_JOINED = re.compile(r"(?:,| and| &)\s*$", re.IGNORECASE)


def involvement(at: Spot) -> Finding:
    """The part a name plays in its headline."""
    if _opens(at):
        return "subject", SUBJECT
    if at.hit.kind == "ticker" or any(rule(at) for rule in (_owns, acts, _acted_on, led_to)):
        return "involved", INVOLVED
    if foreign(t.norm for t in at.text.tokens if t.norm not in at.words):
        # these are rules of English; elsewhere the name is all there is
        return "involved", INVOLVED
    return "only_named", BYSTANDER


def _opens(at: Spot) -> bool:
    """Whether the name opens a clause, bar a small word, a year or its owner: "Acme's", "the", "2027 "."""
    tokens, clauses = at.text.tokens, at.text.clauses
    if at.first in clauses:
        return True
    before = tokens[at.first - 1].norm
    if at.first - 1 in clauses and (before in _OPENERS or before.isdigit()):
        return True
    if before in ("is", "s") and at.first == 2 and tokens[0].norm in ("what", "who"):
        return True
    return at.owned and at.first - 2 in clauses


def _owns(at: Spot) -> bool:
    """ "X's chief", "X workers", "X-owned", "ex-X manager", "X (NYSE: X)"."""
    if at.before in at.lex["former"]:
        return True
    if at.after in at.lex["audience"] and not at.possessive and at.before in ("to", "for", "and", "from"):
        # what others do for its customers is their news
        return False
    if at.possessive or at.after in at.lex["after"] or at.after_that in at.lex["firmly_after"]:
        return True
    if at.hyphen_right and at.after in at.lex["compound_heads"]:
        return True
    if not at.possessive and _leads_to_business(at):
        return True
    if (
        at.before in at.lex["before"]
        or singular(at.before) in at.lex["before"]
        or (at.before == "up" and at.before_that == "start")
    ):
        return True
    parties = (at.hyphen_left and at.parties(at.first - 1)) or (at.hyphen_right and at.parties(at.last + 1))
    return parties or _shares(at) or at.tail.startswith(" (")


def _shares(at: Spot) -> bool:
    """ "X, Acme workers": the noun behind the last of the owners belongs to all."""
    joint = _JOINT.match(at.tail)
    if joint is not None and at.before in ("to", "for", "from") and joint.group(1) in at.lex["audience"]:
        return False
    return joint is not None and joint.group(1) in at.lex["news_of"]


def _leads_to_business(at: Spot) -> bool:
    """ "X fighter jet workers"; a capitalised trade word is rather the rest of a name ("X News")."""
    for i, word in enumerate(phrase(at), at.last + 1):
        if word in at.lex["news_of"]:
            return True
        if word in at.lex["belongings"]:
            # "scammers in X shoes": whose make the things are
            return False
        if word in at.know.terms and not at.text.proper(i):
            return True
    return False


def phrase(at: Spot) -> list[str]:
    """The words of the noun phrase that the name opens: "X fighter jet workers"."""
    words: list[str] = []
    i = at.last
    while len(words) < _PHRASE and i + 1 < len(at.text.tokens):
        # "X $72.5m settlement": a sum does not end the phrase
        if not at.text.joined(i, i + 1) and not _SUM.fullmatch(at.text.gap(i, i + 1)):
            break
        word = at.text.tokens[i + 1].norm
        if at.lex.function(word) or word in at.lex["verbs"] or word in at.lex["modals"]:
            break
        words.append(word)
        i += 1
    return words


def acts(at: Spot) -> bool:
    """Whether the verb of a clause stands behind the name, or behind the names joined with it."""
    if at.right is None:
        return False
    if at.text.proper(at.right) and not at.text.tokens[at.right].text.isupper():
        return False
    word, nxt = at.after, at.after_that
    if adverb(word):
        word, nxt = nxt, ""
    wished = word == "to" and at.before in at.lex["wishes"]
    if (at.before in at.lex["uses"] and not wished) or (at.before in _WHERE and word != "to"):
        # "tipster using X was key", "passenger on X was held": the verb is another's
        return False
    if word in _STATE_WORDS and nxt and _state(at):
        return True
    if at.before in at.lex["causatives"] and word in at.lex["verb_bases"]:
        return True
    if nxt == "to" and word in at.lex["ready"]:
        return True
    if word == "to" and at.before in at.lex["prepositions"]:
        # "time for X to act", but not "from X to Y"
        return at.before == "for" and (nxt in at.lex["verb_bases"] or verbish(nxt))
    if verb_weight(at.lex, word, nxt) >= 0.7 or word in at.lex["auxiliaries"]:
        return True
    if gerund(word) and word not in at.lex["function"]:
        return True
    if at.before in at.lex["clause_words"] | at.lex["reports"] and _verb_form(word):
        return True
    if word.endswith("ed") and at.text.style == "sentence" and at.before not in at.lex["prepositions"]:
        return True
    return bool(_JOINED.search(at.head)) and (word in at.lex["verb_bases"] or verbish(word))


def _state(at: Spot) -> bool:
    """ "X in talks", "X in advanced discussions", "X under fire": a statement without a verb."""
    behind = [t.norm for t in at.text.tokens[(at.right or 0) + 1 : (at.right or 0) + 3]]
    return any(word in at.lex["states"] for word in behind)


def _verb_form(word: str) -> bool:
    """Whether a word may be a finite verb."""
    return word.endswith("ed") or (word.endswith("s") and verbish(singular(word)))


def _acted_on(at: Spot) -> bool:
    """ "sues X", "probe into X", "New York sues Acme and X"."""
    if at.after in at.lex["holdings"]:
        # "fund dumps X stake": news of the fund
        return False
    left = at.first - 1
    tokens = at.text.tokens
    if at.owned:
        # "investigates Jane Roe's X": the owner stands between
        left = before_owner(at)
    # "sues Acme and X": the verb stands before the first of the two
    if left > 0 and _JOINED.search(at.head):
        left -= 2 if tokens[left].norm == "and" else 1
    for back in (left, left - 1, left - 2):
        word = tokens[back].norm if back >= 0 else ""
        if _does_to(at, word) and all(_light(at, t) for t in tokens[back + 1 : left + 1]):
            return True
    return False


def _light(at: Spot, token: Token) -> bool:
    """Whether a word between a verb and its object keeps them together: "sues chat app X"."""
    loose = at.lex.function(token.norm) or token.norm in at.lex["verbs"]
    return not loose or token.norm in at.lex["determiners"] | at.lex["particles"]


def _does_to(at: Spot, word: str) -> bool:
    """Whether a word is what others do to a company; using it or outdoing it is no such thing."""
    if not word or word in at.lex["outdoes"] or word in at.lex["uses"]:
        return False
    return word in at.lex["toward"] or word in at.lex["affects"]
