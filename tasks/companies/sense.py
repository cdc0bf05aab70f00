"""Does a name in a text mean the company? The evidence for and against one hit, in parts."""

from __future__ import annotations

import re

from tasks.companies.after import beside, judge_right, legal_form, possessive, ticker
from tasks.companies.before import judge_left
from tasks.companies.context import Text, invented
from tasks.companies.elsewhere import elsewhere
from tasks.companies.frequency import commonness, zipf
from tasks.companies.index import Hit
from tasks.companies.namesakes import GADGETS
from tasks.companies.spot import COMMON, Evidence, Finding, Spot
from tasks.companies.verbs import VERB

_ANOTHER = frozenset({"part_of_longer_name", "person_name"})
_DECIDED = -2.3
_PLAIN = 0.9
"""From this doubt on a name is a plain word."""
_TOPIC_ALONE = 1.2
_COMMONEST, _EVERYDAY = 5.3, 1.5
"""From this frequency on a word is one of the few hundred commonest; what each step above it takes away."""
_NUMBERED_TITLE = re.compile(r"\b[A-Z]\w+ (?:\d{1,2}|[IVX]{1,4}): $")


def judge(hit: Hit, at: Spot | None, title: Text, snippet: Text | None) -> Evidence:
    """The evidence that one hit means the company; `at` is its place, None for a hit in the address."""
    evidence = Evidence(hit)
    own = (hit.start, hit.end)
    if at is None:
        evidence.add(("own_domain", 0.6), own)
        return evidence
    if hit.kind == "ticker":
        evidence.add(("ticker_in_market_context", 3.5), own)
        return evidence
    evidence.add(_letters(at), own)
    evidence.add(_other_case(at), own)
    if hit.plural:
        evidence.add(("plural", -0.5 - 5.0 * at.doubt), own)
    if (at.owned or at.owned_far) and at.doubt > COMMON:
        evidence.add(("owned_thing", -1.6 * at.doubt), own)
    left, right = judge_left(at), judge_right(at)
    if not (_decided(right) and left is not None and left[1] > 0):
        # "investor Ross Roe": the trade word describes the person
        evidence.add(left, at.left_span)
    if not _decided(left):
        # what follows another's name says nothing of the company
        for rule in (legal_form, ticker, possessive, beside):
            evidence.add(rule(at), own)
        evidence.add(right, at.right_span)
    evidence.add(_quoted(at), own)
    evidence.add(_subtitle(at), own)
    evidence.add(elsewhere(at, title, snippet), own)
    _topic(evidence, at, title, snippet)
    return evidence


def _decided(found: Finding | None) -> bool:
    """Whether a finding says beyond doubt that the name is another's."""
    return found is not None and found[0] in _ANOTHER and found[1] <= _DECIDED


def _letters(at: Spot) -> Finding:
    """The belief a form starts with: from how common its words are, and its letter case."""
    style = at.text.style
    opens = at.text.tokens[at.opens].text
    if style in ("sentence", "title") and opens.islower():
        # a brand that writes itself so ("adidas") is fine; else a small letter means the thing, not the name
        own = opens in at.know.spellings
        word = at.doubt if at.single else commonness(at.words[at.opens - at.first])
        return "lower_case", (1.0 if own else -1.6) - 7.0 * max(word, 0.12)
    if style == "lower":
        return "name", 1.6 - 5.0 * at.doubt
    always = at.single and (at.words[0] in at.lex["always_capital"] or at.words[0] in at.lex["weekdays"])
    if at.proper and not always:
        return "capital_in_sentence", 2.4 - 1.5 * at.doubt
    # a word of the grammar, or the generic rest of a longer name, is hardly ever a company
    empty = at.single and (
        at.words[0] in at.lex["function"] | at.lex["indefinite"] or (at.hit.stripped and at.doubt >= 1.0)
    )
    grammar = 1.2 if empty else 0.0
    # "time to act": the commonest words open any sentence
    everyday = _EVERYDAY * max(0.0, zipf(at.words[0]) - _COMMONEST) if at.single else 0.0
    return "name", 2.4 - 4.0 * at.doubt - grammar - everyday


def _other_case(at: Spot) -> Finding | None:
    """ "SNAP" is not Snap, "Cat" is not CAT: short names are told apart by their capitals."""
    surface = at.text.tokens[at.first].text
    if not at.single and at.text.style in ("sentence", "title"):
        inner = at.text.tokens[at.first : at.last + 1]
        mixed = at.text.capital(at.opens) and any(
            t.text.islower()
            and t.text not in at.know.spellings
            and t.norm not in at.lex["function"]
            and len(t.text) > 1
            for t in inner
        )
        return ("lower_case", -3.0) if mixed and commonness(inner[-1].norm) > COMMON else None
    if not at.single or at.text.style in ("upper", "lower") or surface in at.know.spellings:
        return None
    if at.hit.kind == "generated_alias" and surface.isupper():
        # our own initials, found in capitals only
        return None
    if surface.isupper() and 1 < len(surface) <= 5:
        return "other_initials", -3.0
    if surface[1:].islower() and len(surface) <= 4 and surface.upper() in at.know.spellings:
        return "other_initials", -3.0
    if surface.isupper() and at.doubt > COMMON:
        return "shouted_word", -1.0
    return None


def _quoted(at: Spot) -> Finding | None:
    """ "'Vocal Coach' app": inside a short quotation with other words the name is half of a title."""
    if at.single and not at.possessive and at.text.quoted_with_others(at.first, at.last):
        return "part_of_longer_name", -2.2 * at.doubt
    return None


def _subtitle(at: Spot) -> Finding | None:
    """ "Dark Valley 4: Beyond": behind a numbered title and a colon stands its subtitle."""
    if at.doubt > COMMON and not at.possessive and _NUMBERED_TITLE.search(at.head):
        return "part_of_longer_name", -3.0
    return None


def _topic(evidence: Evidence, at: Spot, title: Text, snippet: Text | None) -> None:
    """Does the rest of the text talk business, and the business of this company?

    The more doubtful the name, the more the company it keeps counts.
    """
    below = snippet.norms if snippet is not None else frozenset[str]()
    trade = (at.know.terms & title.norms).difference(at.words)
    trade_below = (at.know.terms & below) - title.norms
    share = 0.45 + 0.55 * at.doubt
    made = title.inventions - sum(invented(t.text) for t in title.tokens[at.first : at.last + 1])
    if at.know.industries & GADGETS and at.text is title and made > 0:
        evidence.add(("product_words", 1.2 * share), None)
    if trade or trade_below:
        weight = 1.0 * bool(trade) + 0.5 * max(0, len(trade) - 1) + 0.4 * len(trade_below)
        evidence.add(("trade_words", min(1.8, weight) * share), _find(title, trade))
    business = ((at.know.business & title.norms) | (at.know.business & below)).difference(at.words)
    if business:
        evidence.add(("business_words", min(1.2, 0.6 * len(business)) * share), _find(title, business))
    if at.first in at.text.clauses and at.text is title and "its" in title.norms:
        # who does something with what is "its" own is an organisation
        evidence.add(("its_own", 0.7 * at.doubt), None)
    own = (at.hit.start, at.hit.end)
    known = bool(trade or trade_below) or "product_words" in evidence.parts
    if at.doubt > _PLAIN and not at.proper and not _by_syntax(evidence):
        # a title full of its trade's words does not make a plain word a name
        topical = sum(evidence.parts.get(part, 0.0) for part in ("trade_words", "business_words"))
        evidence.add(("common_word_not_name", min(0.0, _TOPIC_ALONE - topical)), own)
    if any(text.phrase(keyword) for keyword in at.know.keywords for text in (title, snippet) if text):
        evidence.add(("keyword", 1.2 + 0.6 * at.doubt), None)
        known = True
    if at.words in at.know.shared and not known and not business:
        # an excluded term says that another bears the name: only the topic tells them apart
        firm = evidence.parts.get("company_verb_follows", 0.0) >= VERB
        evidence.add(("shared_name", -3.0 if firm else -5.0), None)
    if at.invented_initials and not known:
        # initials we made ourselves stand for other things more often than not
        evidence.add(("other_initials", -3.5), None)
    if (
        at.geographic
        and not (known and len(trade | trade_below) > 1)
        and not any(text.phrase(keyword) for keyword in at.know.keywords for text in (title, snippet) if text)
    ):
        # places and peoples have workers, trucks and plans of their own
        listed = at.after in at.lex["firmly_after"]
        # "at Dakota's lakes": a place owns things, and things happen at it
        local = evidence.parts.get("possessive", 0.0) + max(
            0.0, evidence.parts.get("bare_after_preposition", 0.0)
        )
        evidence.add(("place_or_thing", -1.5 if listed else -2.8 - local), None)


def _by_syntax(evidence: Evidence) -> bool:
    """Whether anything but the topic and the letters speaks for the name."""
    return any(
        weight > 0
        for part, weight in evidence.parts.items()
        if not part.endswith("_words") and part != "name"
    )


def _find(text: Text, words: set[str] | frozenset[str]) -> tuple[int, int] | None:
    return next(((t.start, t.end) for t in text.tokens if t.norm in words), None)
