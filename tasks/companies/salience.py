"""Is the company what the text is about, or does it only pass by?"""

from __future__ import annotations

import re

from tasks.companies.context import Text
from tasks.companies.frequency import verbish
from tasks.companies.index import Hit
from tasks.companies.involved import acts, involvement
from tasks.companies.lexicon import lexicon
from tasks.companies.lists import enumeration
from tasks.companies.spot import Evidence, Finding, Rule, Spot
from tasks.companies.voices import VOICES

STORES = frozenset({"retail", "grocery", "restaurants", "apparel"})
PREMISES = STORES | {"leisure", "logistics", "banking", "airlines", "food"}

_AMONG = re.compile(r"\b(?:such as|including|the next|similar to)\s*(?:the )?$")
_SECOND_OF = re.compile(
    r"\b(?:such as|including|like) [A-Z][\w.&-]+(?:,| and| or| &) $|\bunlike (?:anything|what|any) $"
)
_RIVALS_OF = re.compile(
    r"\b(rivals?|competitors?|alternatives?|challengers?)(?: to| of| like)?\s*(?:[\w.-]+'s )?$"
)
_RIVAL = re.compile(
    r"[ -](?:rivals?|competitors?|alternatives?|clone|killer|style|like|esque|backed)\b", re.IGNORECASE
)
_PREFIX = re.compile(r"(?:post|pre|anti|non)-$")
_AND_MORE = re.compile(r"(?:and|&|,|[+]) more\b", re.IGNORECASE)
_CRASHES = frozenset({"crash", "wreck", "collision", "pileup"})
_MODEL = re.compile(r"[ -]\d{3}")


def weigh(hit: Hit, at: Spot | None, own_spans: list[tuple[int, int]], title: Text) -> Evidence:
    """The part one hit plays in its text; `own_spans` are all hits of the profile in the hit's field."""
    role = Evidence(hit)
    own = (hit.start, hit.end)
    if at is None:
        role.add(("only_in_url", -1.0), own)
        return role
    if hit.field == "title":
        part = involvement(at)
        role.add(part, own)
        subject = part[0] == "subject"
        _headline(role, at, subject, own_spans)
    else:
        role.add(("opens_snippet", -0.4) if at.first <= 3 else ("only_in_snippet", -1.4), own)
        if at.first <= 1 and acts(at) and _described(title):
            role.add(("described_in_headline", 0.9), own)
    for rule in RULES:
        if (found := rule(at)) is not None:
            role.add(found, at.left_span)
    return role


def _described(title: Text) -> bool:
    """Whether a headline opens with a company it does not name: "Chipmaker to cut jobs"."""
    lex = lexicon()
    return any(t.norm in lex["descriptions"] for t in title.tokens[:3]) and not any(
        title.proper(i) for i in range(1, len(title.tokens))
    )


def _headline(role: Evidence, at: Spot, subject: bool, own_spans: list[tuple[int, int]]) -> None:
    """What the headline as a whole is: a list, a market report, shopping advice, a fund's filing."""
    hit, own = at.hit, (at.hit.start, at.hit.end)
    listed = max(enumeration(at, own_spans), at.text.raw.count(" / ") + 1)
    if listed >= 3:
        role.add(("one_of_a_list", -4.0), own)
    kinds = headline_kinds(at.text)
    if wrap := kinds.get("market_wrap"):
        alone = subject and hit.start == 0 and listed < 2 and not _AND_MORE.search(at.text.raw)
        role.add(None if alone and wrap[0] > hit.start else ("market_wrap", -3.5), wrap)
    if shop := kinds.get("shopping"):
        # a company that does something may say so in an advert's words ("here's how to get it")
        role.add(
            ("shopping_advice", -1.6 if subject and acts(at) and at.after not in ("has", "have") else -3.0),
            shop,
        )
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
        # "ex-X manager sues the bank" is about the bank
        norms = at.text.norms
        against = not norms.isdisjoint(at.lex["quarrels"]) and (
            at.after in at.lex["staff"] or not norms.isdisjoint(at.lex["employers"])
        )
        return None if against else ("former_employee", -5.0)
    return ("former_employee", -4.0) if at.after in at.lex["alumni"] else None


def _compared(at: Spot) -> Finding | None:
    """ "unlike X", "rivals such as X", "an X rival", "post-X", "the X of dog food"."""
    head = at.head.lower()
    if at.before in ("unlike", "than") or _AMONG.search(head) or _SECOND_OF.search(at.head):
        return "comparison", -3.5
    if rival := _RIVALS_OF.search(head):
        return "comparison", -1.5 if rival.group(1) in ("rival", "competitor") else -3.0
    if _RIVAL.match(at.tail):
        return "comparison", -2.6
    if _PREFIX.search(head):
        return "comparison", -3.0
    if at.before in ("the", "a", "an") and re.match(r" of \w", at.tail):
        return "comparison", -3.0
    return None


def _from_to(at: Spot) -> Finding | None:
    """ "from X to Y": two ends of a list."""
    if at.before != "from" or not re.match(r" to [A-Z]", at.tail):
        return None
    # "an award from X to Stay" is no list
    verb = at.after_that in at.lex["verb_bases"] or verbish(at.after_that)
    # nor is a contract that goes from one to the other
    handed = not at.text.norms.isdisjoint(at.lex["transfers"])
    return None if verb or handed else ("one_of_a_list", -3.0)


def _product_in_use(at: Spot) -> Finding | None:
    """ "engine failure on Acme 777": the make of the thing."""
    if at.before in ("on", "aboard", "in", "of") and _MODEL.match(at.tail):
        return "product_in_use", -3.0
    if at.before in ("in", "after") and at.after in _CRASHES and "automotive" in at.know.industries:
        return "product_in_use", -2.2
    return None


def _people(at: Spot) -> Finding | None:
    """Heirs of the founder, or one employee with a story of their own."""
    if at.possessive:
        return None
    if at.after in at.lex["heirs"]:
        return "passing_mention", -2.8
    roles = at.lex["one_role"]
    single = at.before in ("a", "an", "one") and (at.after in roles or at.after_that in roles)
    if single or (at.after in roles and not at.text.norms.isdisjoint(at.lex["crimes"])):
        return "employee_not_company", -2.4
    return None


def _place(at: Spot) -> Finding | None:
    """The company's shop, ship or car park is where something happened."""
    incident = not at.text.norms.isdisjoint(at.lex["incident_words"])
    if at.after in at.lex["incidents"] and not at.possessive and at.know.industries & PREMISES:
        return "only_the_place", -3.0
    if at.before in ("on", "aboard") and at.after in at.lex["rides"] and incident:
        return "only_the_place", -3.0
    inside = at.before == "inside" and (at.left == 0 or not at.know.industries & PREMISES)
    if at.before in ("outside", "inside", "near") and not at.possessive and not inside:
        return "only_the_place", -3.0
    if at.before in ("at", "in", "from", "of", "by") and at.know.industries & (STORES | {"leisure"}):
        premises = at.lex["store_places"] - {"store", "stores"}
        if incident or at.after in premises:
            return "only_the_place", -3.0
    return None


RULES: tuple[Rule, ...] = (
    _former,
    _compared,
    _from_to,
    _product_in_use,
    _people,
    _place,
    *VOICES,
)
