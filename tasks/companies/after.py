"""Rules about what follows a name. The first one that answers decides."""

from __future__ import annotations

import re

from tasks.companies.context import invented
from tasks.companies.frequency import adjectival, commonness, verbish
from tasks.companies.names import Token
from tasks.companies.namesakes import (
    MAKERS,
    NAME,
    SHARED,
    another_thing,
    disaster,
    family_name,
    full_name,
    longer_tail,
    mission,
)
from tasks.companies.spot import COMMON, NOTHING, Finding, Rule, Spot, first_finding
from tasks.companies.verbs import VERB, follows, verb_weight

_LEGAL_FORM = re.compile(
    r"(?:,? (?:inc|corp|ltd|plc|llc|ag|nv|n\.v|s\.a|group|holdings)\b|,? Co\b|,? SE\b)", re.IGNORECASE
)
_COUNTY = re.compile(r" Co\b")
_LOWER_FORM = re.compile(r",? (?:se|co)\b")
_TICKER = re.compile(r"(?:'s)?,? \((?:[A-Z]{2,10}\s?:\s?[A-Z.]+|[A-Z]{3,5}\))|\s\$[A-Z]{1,5}\b")
_QUARTER = re.compile(r"[qh][1-4]$")


def judge_right(at: Spot) -> Finding | None:
    """What the word behind the name says: a role, a trade, a verb of companies, half of a longer name."""
    return None if at.right is None else first_finding(RULES, at)


def legal_form(at: Spot) -> Finding | None:
    """ "Gap Inc.", "Block, Inc."."""
    if at.geographic and _COUNTY.match(at.tail):
        return None
    if _LEGAL_FORM.match(at.tail) and not _LOWER_FORM.match(at.tail):
        return "legal_form", 3.0
    return None


def ticker(at: Spot) -> Finding | None:
    """ "Gap (NYSE: GAP)", "Gap $GAP"."""
    return ("ticker_follows", 2.0) if _TICKER.match(at.tail) else None


def possessive(at: Spot) -> Finding | None:
    """ "Gap's plan": without an article only a name owns things so."""
    if not at.possessive:
        return None
    if (
        at.doubt >= SHARED
        and at.after in at.lex["eponyms"]
        and at.right is not None
        and not at.text.capital(at.right)
    ):
        # "Pandora's box"
        return "common_word_not_name", -3.5
    bare = at.before not in at.lex["determiners"]
    dated = at.words[0] in at.lex["weekdays"] or at.words[0] in at.lex["titles"]
    return "possessive", 0.8 + (1.4 * at.doubt if bare and not dated else 0.0)


def _own_word(at: Spot) -> Finding | None:
    return ("own_word_follows", 1.5) if at.after in at.know.own and not at.possessive else None


def _business(at: Spot) -> Finding | None:
    if at.hyphen_right:
        return None
    if _QUARTER.match(at.after):
        return "business_word_follows", 1.7
    if at.words[0] in at.know.terms and at.single and not at.proper:
        # "Spectrum sale": the name is also what its trade deals in
        return NOTHING
    if at.after in at.lex["after"]:
        # "global shares", "American workers": an adjective goes with any noun
        loose = at.doubt > COMMON and not at.possessive and adjectival(at.words[-1])
        # "charter flights", "valve plant": another trade's thing goes with any word
        alien = at.doubt > COMMON and not at.proper and at.after in at.lex["wares"] - at.know.terms
        if loose and at.after not in at.lex["firmly_after"]:
            return NOTHING
        return "business_word_follows", 0.4 if loose or alien else 1.7
    if at.after in at.lex["events"] and at.after not in at.lex["verb_bases"] | at.lex["verbs"]:
        return "business_word_follows", 0.8
    if at.after in at.know.terms and at.after not in at.lex["verb_bases"]:
        loose = at.doubt > COMMON and adjectival(at.words[-1])
        return "trade_word_follows", 0.3 if loose else 1.0
    return None


def _owned(at: Spot) -> Finding | None:
    return NOTHING if at.possessive else None


def _hyphen(at: Spot) -> Finding | None:
    if not at.hyphen_right:
        return None
    if at.after in at.lex["compound_heads"]:
        return "company_compound", 1.5
    if at.right is not None and at.parties(at.right):
        return "party_to_a_deal", 1.0
    return ("compound_word", -2.5 * at.doubt) if at.doubt > COMMON else NOTHING


def _joint_subject(at: Spot) -> Finding | None:
    """ "Acme, Globex post profits": behind several subjects the verb stands bare."""
    if at.first == 0 or at.right is None or at.after not in at.lex["verb_bases"]:
        return None
    joint = "," in at.text.gap(at.first - 1, at.first) or at.text.tokens[at.first - 1].norm == "and"
    if joint and (at.text.style != "sentence" or not at.text.capital(at.right)):
        return "company_verb_follows", VERB
    return None


def _named_with(at: Spot) -> Finding | None:
    """ "Gap and Acme strike a deal": the company a name keeps, where capitals mean something."""
    if at.after != "and" or at.left is not None:
        return None
    if at.right is None or at.right + 1 >= len(at.text.tokens):
        return None
    other = at.text.tokens[at.right + 1]
    if _only_a_name(other):
        return "named_with_another", 1.3
    return ("named_with_another", 0.8) if at.text.proper(at.right + 1) else NOTHING


def beside(at: Spot) -> Finding | None:
    """ "Gap, Acme reach deal": the first of two subjects, the comma for an "and"."""
    tokens, other = at.text.tokens, at.last + 1
    if at.left is not None or at.right is not None or other + 1 >= len(tokens):
        return None
    if at.text.gap(at.last, other) != ", " or not at.text.joined(other, other + 1):
        return None
    verb = tokens[other + 1].norm in at.lex["verb_bases"]
    return ("named_with_another", 1.3) if verb and _only_a_name(tokens[other]) else None


def _only_a_name(token: Token) -> bool:
    """Whether a capitalised word is a name and no common word."""
    return token.text[:1].isupper() and (invented(token.text) or commonness(token.norm) < NAME)


def _product(at: Spot) -> Finding | None:
    """ "Acme TV raises prices": the verb behind the product is the company's."""
    if at.right is None or at.after not in at.lex["products"] or not at.text.capital(at.right):
        return None
    tokens = at.text.tokens
    verb = 0.0
    if at.right + 1 < len(tokens):
        nxt = tokens[at.right + 2].norm if at.right + 2 < len(tokens) else ""
        verb = verb_weight(at.lex, tokens[at.right + 1].norm, nxt)
    made = 0.6 * at.doubt if at.know.industries & MAKERS else 0.0
    return "product_follows", 0.5 + made + 0.8 * verb


def _compound(at: Spot) -> Finding | None:
    """ "Shell collectors", "Apple orchards": the name is the first half of a compound."""
    if at.doubt <= COMMON or at.lex.function(at.after) or at.after in at.lex["products"]:
        return None
    if not at.after.isalpha() or at.after in at.lex["verb_bases"]:
        return None
    if at.before in at.lex["firm_prepositions"] and verbish(at.after):
        # "cuts at Gap arouse suspicion": the verb belongs to the cuts
        return None
    # a capital inside a sentence has said already that it is a name
    return "common_compound", (-0.5 if at.proper else -1.6) * at.doubt


RULES: tuple[Rule, ...] = (
    _own_word,
    family_name,
    disaster,
    another_thing,
    _business,
    _owned,
    _hyphen,
    _joint_subject,
    _named_with,
    longer_tail,
    _product,
    follows,
    full_name,
    mission,
    _compound,
)
