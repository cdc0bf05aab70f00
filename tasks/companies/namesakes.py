"""Who else bears the name: a person, a place, another company, a thing. Rules about the words behind a name."""

from __future__ import annotations

import re

from tasks.companies.context import invented
from tasks.companies.frequency import commonness, zipf
from tasks.companies.spot import NOTHING, Finding, Spot

MAKERS = frozenset(
    {"hardware", "software", "semiconductors", "automotive", "aerospace", "internet", "media", "telecom"}
)
GADGETS = frozenset({"hardware", "software", "semiconductors", "internet"})
"""Industries whose products have made-up names."""
DIVISIBLE = 0.35
"""Below this doubt a name keeps its divisions: a bank, a cloud, a studio."""
NAME = 0.2
"""Below this commonness a capitalised word is hardly anything but a name."""
SHARED = 0.2
"""From this doubt on a name is also that of people and places."""
_NUMBER = re.compile(r"\d{1,3}")
_MODEL_NUMBER = re.compile(
    r" (?:\(\d{1,2}\w?\)|\d{1,3}[a-z]?\b(?! (?:million|billion|percent|years|days|to)\b))"
)


def _capital(at: Spot) -> bool:
    return at.right is not None and at.text.capital(at.right) and at.text.style in ("sentence", "title")


def another_thing(at: Spot) -> Finding | None:
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
        whole = 1.0 if at.single else 0.3
        return "part_of_longer_name", -4.0 * whole * min(1.0, 0.3 + 1.6 * at.doubt)
    return None


def family_name(at: Spot) -> Finding | None:
    """ "Sinclair Roe", "Dow Jones": the name is the first of two."""
    if not at.single or at.possessive or not _capital(at) or at.doubt < SHARED:
        return None
    family = at.after in at.lex["surnames"] or (
        at.after in at.lex["given_names"] and commonness(at.after) < NAME
    )
    if not family or at.after in at.know.terms | at.lex["products"]:
        return None
    return "person_name", -4.2


def disaster(at: Spot) -> Finding | None:
    """ "the Eaton fire": disasters bear the names of places."""
    if not at.single or at.possessive or at.after not in at.lex["disasters"]:
        return None
    if at.after_that in at.lex["products"]:
        return None
    named = at.right is not None and at.text.proper(at.right)
    alike = len(at.text.norms & at.lex["disaster_words"])
    # a name that is nothing else needs more than a capital
    enough = (named or alike > 0) if at.doubt >= SHARED else alike > 0 and not at.know.terms & at.text.norms
    return ("place_or_thing", -5.0) if enough else None


def longer_tail(at: Spot) -> Finding | None:
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


def full_name(at: Spot) -> Finding | None:
    """ "Chase Smith", "Delta Minerals": a capitalised stranger behind the name."""
    if at.right is None or not _capital(at):
        return None
    word = at.after
    if invented(at.text.tokens[at.right].text) and at.single and at.after not in at.lex["longer_tails"]:
        # "Acme iPod", "Acme X5": a product of the name's owner, not half of a name
        return ("product_follows", 0.5) if at.know.industries & MAKERS else NOTHING
    if at.know.industries & GADGETS and _MODEL_NUMBER.match(at.text.raw[at.text.tokens[at.right].end :]):
        # "Acme Ear (3)", "Acme Magic 8 Pro"
        return "product_follows", 2.2
    stranger = not at.lex.function(word) and word not in at.lex["products"]
    if stranger and at.single and at.words[0] in at.lex["given_names"]:
        named = commonness(word) < 0.5 or at.text.proper(at.right)
        return "person_name", -3.5 if named else -1.5
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


def mission(at: Spot) -> Finding | None:
    """ "Apollo 13": a mission, a channel, a route."""
    if at.right is None or at.doubt < SHARED or not at.single or not _NUMBER.fullmatch(at.after):
        return None
    if at.know.industries & (MAKERS | {"airlines"}):
        return None
    end = at.text.tokens[at.right].end
    return ("part_of_longer_name", -3.0) if at.text.raw[end : end + 1] in ("", " ", ":") else None
