"""Rules about what follows a name. The first one that answers decides."""

from __future__ import annotations

import re

from tasks.companies.context import invented
from tasks.companies.frequency import adjectival, commonness, verbish, zipf
from tasks.companies.names import Token
from tasks.companies.spot import COMMON, NOTHING, Finding, Rule, Spot, first_finding
from tasks.companies.verbs import VERB, follows, verb_weight

MAKERS = frozenset(
    {"hardware", "software", "semiconductors", "automotive", "aerospace", "internet", "media", "telecom"}
)
GADGETS = frozenset({"hardware", "software", "semiconductors", "internet"})
"""Industries whose products have made-up names."""
DIVISIBLE = 0.35
"""Below this doubt a name keeps its divisions: a bank, a cloud, a studio."""
_LEGAL_FORM = re.compile(
    r"(?:,? (?:inc|corp|ltd|plc|llc|ag|nv|n\.v|s\.a|group|holdings)\b|,? Co\b|,? SE\b)", re.IGNORECASE
)
_COUNTY = re.compile(r" Co\b")
_LOWER_FORM = re.compile(r",? (?:se|co)\b")
_TICKER = re.compile(r"(?:'s)?,? \((?:[A-Z]{2,10}\s?:\s?[A-Z.]+|[A-Z]{3,5}\))|\s\$[A-Z]{1,5}\b")
_NAME = 0.2
"""Below this commonness a capitalised word is hardly anything but a name."""
_SHARED = 0.2
"""From this doubt on a name is also that of people and places."""
_MODEL_NUMBER = re.compile(
    r" (?:\(\d{1,2}\w?\)|\d{1,3}[a-z]?\b(?! (?:million|billion|percent|years|days|to)\b))"
)
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
    if at.doubt >= _SHARED and at.after in at.lex["eponyms"] and at.right is not None and not at.text.capital(at.right):
        # "Pandora's box"
        return "common_word_not_name", -3.5
    bare = at.before not in at.lex["determiners"]
    dated = at.words[0] in at.lex["weekdays"] or at.words[0] in at.lex["titles"]
    return "possessive", 0.8 + (1.4 * at.doubt if bare and not dated else 0.0)


def _capital(at: Spot) -> bool:
    return at.right is not None and at.text.capital(at.right) and at.text.style in ("sentence", "title")


def _own_word(at: Spot) -> Finding | None:
    return ("own_word_follows", 1.5) if at.after in at.know.own and not at.possessive else None


def _thing(at: Spot) -> Finding | None:
    """ "Amazon rainforest", "Delta variant", "Delta Minerals": another thing, another company."""
    if at.possessive or at.after in at.know.terms:
        return None
    if at.doubt < DIVISIBLE and at.after in at.lex["divisions"]:
        return NOTHING
    if at.single and at.after in at.lex["lower_tails"]:
        return "part_of_longer_name", -2.6 - 1.5 * at.doubt
    if _capital(at) and at.after in at.lex["descriptors"] - at.lex["products"] - at.lex["after"]:
        if at.doubt <= 0.2:
            return NOTHING
        return "part_of_longer_name", -4.0 * min(1.0, 0.3 + 1.6 * at.doubt)
    return None


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
    return token.text[:1].isupper() and (invented(token.text) or commonness(token.norm) < _NAME)


def _longer_tail(at: Spot) -> Finding | None:
    if at.right is None or not at.text.capital(at.right) or at.text.style == "lower":
        return None
    # "Meadow Voting Systems": the trade stands one word further
    further = at.right + 1
    strange = at.after_that in at.lex["descriptors"] - at.lex["products"] - at.lex["after"] - at.know.own
    if strange and at.doubt > DIVISIBLE and at.text.joined(at.right, further) and at.text.capital(further):
        return "part_of_longer_name", -3.4 - 0.8 * at.doubt
    if at.after not in at.lex["longer_tails"] or at.after in at.lex["products"]:
        return None
    if at.text.style != "sentence" and at.after in at.lex["verbs"] and at.first in at.text.clauses:
        # "Acme Falls as ...": in a title the verb has a capital, too
        return None
    weight = -3.4 - 0.8 * at.doubt
    if at.doubt < DIVISIBLE and at.know.terms & at.text.norms - {at.after}:
        # in talk of its trade a company has a museum, too
        weight *= 0.6
    return "part_of_longer_name", weight


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


def _family_name(at: Spot) -> Finding | None:
    """ "Sinclair Roe", "Dow Jones": the name is the first of two."""
    if not at.single or at.possessive or not _capital(at) or at.doubt < _SHARED:
        return None
    family = at.after in at.lex["surnames"] or (
        at.after in at.lex["given_names"] and commonness(at.after) < _NAME
    )
    if not family or at.after in at.know.terms | at.lex["products"]:
        return None
    return "person_name", -4.2


def _disaster(at: Spot) -> Finding | None:
    """ "the Eaton fire": disasters bear the names of places."""
    if not at.single or at.possessive or at.doubt < _SHARED or at.after not in at.lex["disasters"]:
        return None
    if at.after_that in at.lex["products"]:
        return None
    named = at.right is not None and at.text.proper(at.right)
    alike = len(at.text.norms & at.lex["disaster_words"])
    return ("place_or_thing", -5.0) if named or alike > 0 else None


def _full_name(at: Spot) -> Finding | None:
    """ "Chase Smith", "Delta Minerals": a capitalised stranger behind the name."""
    if at.right is None or not _capital(at):
        return None
    word = at.after
    if invented(at.text.tokens[at.right].text) and at.single and at.after not in at.lex["longer_tails"]:
        # "Acme iPod", "Acme X5": a product of the name's owner, not half of a name
        return ("product_follows", 0.5) if at.know.industries & MAKERS else NOTHING
    if at.know.industries & GADGETS and _MODEL_NUMBER.match(at.text.raw[at.text.tokens[at.right].end :]):
        # "Acme Ear (3)", "Acme Magic 8 Pro"
        return "product_follows", 1.8
    stranger = not at.lex.function(word) and word not in at.lex["products"]
    if stranger and at.single and at.words[0] in at.lex["given_names"]:
        return "person_name", -3.5 if commonness(word) < 0.5 else -1.5
    if at.text.proper(at.right):
        if not stranger:
            return NOTHING
        # an unmistakable name takes its products along; a doubtful one is half of another name
        unknown = zipf(word) < 3.0 or commonness(word) < 0.3
        weight = (-4.0 if unknown else -3.4) * max(0.0, 2.0 * at.doubt - 0.4)
        if at.know.terms & at.text.norms - set(at.words) - {word}:
            # in talk of its own trade it may well be its product
            weight *= 0.7
        return "part_of_longer_name", max(-4.5, weight)
    if stranger and at.text.style == "title" and zipf(word) < 4.6 and commonness(word) < 0.3:
        return "part_of_longer_name", -1.2 * at.doubt
    return None


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
    _family_name,
    _disaster,
    _thing,
    _business,
    _owned,
    _hyphen,
    _joint_subject,
    _named_with,
    _longer_tail,
    _product,
    follows,
    _full_name,
    _compound,
)
