"""Is the company what the text is about, or does it only pass by?"""

from __future__ import annotations

import re

from tasks.companies.context import Text
from tasks.companies.index import Hit
from tasks.companies.lexicon import lexicon
from tasks.companies.lists import enumeration
from tasks.companies.spot import Evidence, Finding, Rule, Spot

STORES = frozenset({"retail", "grocery", "restaurants", "apparel"})
PREMISES = STORES | {"leisure", "logistics", "banking", "airlines", "food"}
PLATFORMS = frozenset({"internet", "media", "retail"})
MEDIA = frozenset({"internet", "media"})

_AMONG = re.compile(r"\b(?:such as|including|the next|similar to)\s*(?:the )?$")
_RIVALS_OF = re.compile(r"\b(rivals?|competitors?|alternatives?|challengers?)(?: to| of| like)?\s*$")
_RIVAL = re.compile(
    r"[ -](?:rivals?|competitors?|alternatives?|clone|killer|style|like|esque|backed)\b", re.IGNORECASE
)
_PREFIX = re.compile(r"(?:post|pre|anti|non)-$")
_MODEL = re.compile(r"[ -]\d{3}")
_SAYS_AT_END = re.compile(r" (?:says|said|reports?|reported|finds|shows)\.?$")
_STUDY = re.compile(r"(?:,? (?:reports?|poll|survey))\b(?:[:.]|$)", re.IGNORECASE)


def weigh(hit: Hit, at: Spot | None, own_spans: list[tuple[int, int]]) -> Evidence:
    """The part one hit plays in its text; `own_spans` are all hits of the profile in the hit's field."""
    role = Evidence(hit)
    own = (hit.start, hit.end)
    if at is None:
        role.add(("only_in_url", -1.0), own)
        return role
    if hit.field == "title":
        subject = _subject(at)
        role.add(("subject", 2.2) if subject else ("in_headline", 1.4), own)
        _headline(role, at, subject, own_spans)
    else:
        role.add(("opens_snippet", -0.4) if at.first <= 3 else ("only_in_snippet", -1.4), own)
    for rule in RULES:
        if (found := rule(at)) is not None:
            role.add(found, at.left_span)
    return role


def _subject(at: Spot) -> bool:
    """Whether the name opens the headline, or a clause of it."""
    opener = at.first == 1 and at.text.tokens[0].norm in ("the", "why", "how", "inside")
    return at.first in at.text.clauses or opener


def _headline(role: Evidence, at: Spot, subject: bool, own_spans: list[tuple[int, int]]) -> None:
    """What the headline as a whole is: a list, a market report, shopping advice, a fund's filing."""
    hit, own = at.hit, (at.hit.start, at.hit.end)
    listed = enumeration(at, own_spans)
    if listed >= 3:
        role.add(("one_of_a_list", -4.0), own)
    kinds = headline_kinds(at.text)
    if wrap := kinds.get("market_wrap"):
        alone = subject and hit.start == 0 and listed < 2
        role.add(None if alone and wrap[0] > hit.start else ("market_wrap", -3.5), wrap)
    if shop := kinds.get("shopping"):
        role.add(("shopping_advice", -3.0), shop)
    filing = kinds.get("fund_filing")
    if filing and hit.start <= filing[0] and hit.start < 40:
        role.add(("holder_of_shares", -4.0), filing)
    if "recall" in at.text.raw.lower() and not subject and at.before in ("from", "at", "by", "in", "sold"):
        role.add(("sold_there", -3.0), own)


def headline_kinds(text: Text) -> dict[str, tuple[int, int]]:
    """The kinds of headline in which names are bystanders, each with the span that shows it."""
    if text.kinds is None:
        lex = lexicon()
        text.kinds = {}
        for kind, patterns in lex.patterns.items():
            if text.norms.isdisjoint(lex[f"{kind}_cues"]):
                continue
            found = next((match.span() for p in patterns if (match := p.search(text.raw))), None)
            if found is not None:
                text.kinds[kind] = found
    return text.kinds


def _former(at: Spot) -> Finding | None:
    if at.before in at.lex["former"]:
        return "former_employee", -5.0
    return ("former_employee", -4.0) if at.after in at.lex["alumni"] else None


def _compared(at: Spot) -> Finding | None:
    """ "unlike X", "rivals such as X", "an X rival", "post-X", "the X of dog food"."""
    head = at.head.lower()
    if at.before in ("unlike", "than") or _AMONG.search(head):
        return "comparison", -3.5
    if rival := _RIVALS_OF.search(head):
        return "comparison", -1.5 if rival.group(1) in ("rival", "competitor") else -3.0
    if _RIVAL.match(at.tail):
        return "comparison", -2.6
    if _PREFIX.search(head):
        return "comparison", -3.0
    if at.before in ("the", "a", "an") and re.match(r" of \w", at.tail):
        return "comparison", -2.0
    return None


def _from_to(at: Spot) -> Finding | None:
    """ "from X to Y": two ends of a list."""
    if at.before == "from" and re.match(r" to [A-Z]", at.tail):
        return "one_of_a_list", -3.0
    return None


def _product_in_use(at: Spot) -> Finding | None:
    """ "engine failure on Acme 777": the make of the thing."""
    if at.before in ("on", "aboard", "in", "of") and _MODEL.match(at.tail):
        return "product_in_use", -3.0
    return None


def _people(at: Spot) -> Finding | None:
    """Heirs of the founder, or one employee with a story of their own."""
    if at.possessive:
        return None
    if at.after in at.lex["heirs"]:
        return "passing_mention", -2.8
    roles = at.lex["one_role"]
    if at.before in ("a", "an", "one") and (at.after in roles or at.after_that in roles):
        return "employee_not_company", -2.4
    return None


def _place(at: Spot) -> Finding | None:
    """The company's shop, ship or car park is where something happened."""
    incident = not at.text.norms.isdisjoint(at.lex["incident_words"])
    if at.after in at.lex["incidents"] and not at.possessive and at.know.industries & PREMISES:
        return "only_the_place", -3.0
    if at.before in ("on", "aboard") and at.after in at.lex["rides"] and incident:
        return "only_the_place", -3.0
    if at.before in ("outside", "inside", "near") and not at.possessive:
        return "only_the_place", -3.0
    if at.before in ("at", "in", "from") and at.know.industries & STORES:
        premises = at.lex["store_places"] - {"store", "stores"}
        if incident or at.after in premises:
            return "only_the_place", -3.0
    return None


def _platform(at: Spot) -> Finding | None:
    """ "sold on X", "posted on X": a platform is where it happened, unless it is talked about."""
    if at.before != "on" or not at.know.industries & PLATFORMS or at.tail.startswith(" ("):
        return None
    if at.after in at.lex["after"] or at.after in at.lex["verbs"] or at.before_that in at.lex["on_business"]:
        return None
    return "medium_not_subject", -2.0


def _medium(at: Spot) -> Finding | None:
    """ "told X", "X poll finds", "according to X": a medium that carried the news."""
    if not at.know.industries & MEDIA:
        return None
    if at.before in ("told", "tells", "via"):
        return "medium_not_subject", -4.0
    if at.head.lower().rstrip().endswith("according to") or _STUDY.match(at.tail):
        return "medium_not_subject", -3.5
    if at.after in at.lex["media_use"] and not at.possessive:
        return "medium_not_subject", -2.2
    return None


def _attribution(at: Spot) -> Finding | None:
    """ "..., X reports": who says so, not who it is about."""
    if not at.head.rstrip().endswith(",") or not _SAYS_AT_END.match(at.tail):
        return None
    industries = at.know.industries
    return ("medium_not_subject", -4.0) if not industries or industries & MEDIA else None


RULES: tuple[Rule, ...] = (
    _former,
    _compared,
    _from_to,
    _product_in_use,
    _people,
    _place,
    _platform,
    _medium,
    _attribution,
)
