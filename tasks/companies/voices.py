"""Does a company only speak, or carry what others say? A medium, a platform, a bank's analyst."""

from __future__ import annotations

import re

from tasks.companies.spot import Finding, Rule, Spot
from tasks.companies.topics import SPEAKERS

_APART = re.compile(r"(?::|\s[-–—|]|—) (?:the )?$", re.IGNORECASE)
_TOLD = frozenset({"told", "tells", "tell", "via"})
_USE = re.compile(r"\b(?:use|usage) of (?:the )?$", re.IGNORECASE)
PLATFORMS = frozenset({"internet", "media", "retail"})
MEDIA = frozenset({"internet", "media"})


def _news(at: Spot) -> bool:
    """Whether the company reports news; a social network is a medium that does not."""
    return "media" in at.know.industries and "internet" not in at.know.industries


def _closes(at: Spot, verb: int) -> bool:
    """Whether a verb ends its clause, and the name before it stands apart from what it says."""
    tokens, first = at.text.tokens, at.first
    apart = first > 0 and at.text.gap(first - 1, first).strip() != ""
    return apart and not at.text.joined(verb, verb + 1) and verb < len(tokens)


def _platform(at: Spot) -> Finding | None:
    """ "sold on X", "posted on X": a platform is where it happened, unless it is talked about."""
    if at.before != "on" or not at.know.industries & PLATFORMS or at.tail.startswith(" ("):
        return None
    if at.possessive and at.after not in at.lex["wares"] | at.lex["media_use"]:
        # "net cast on X's business": what it owns is talked about
        return None
    if at.after in at.lex["after"] or at.after in at.lex["verbs"] or at.before_that in at.lex["on_business"]:
        return None
    return "medium_not_subject", -2.0


def _used(at: Spot) -> Finding | None:
    """ "his use of the X app"."""
    used = _USE.search(at.head) is not None
    return ("product_in_use", -2.2) if used and not at.possessive else None


def _medium(at: Spot) -> Finding | None:
    """ "told X", "X poll finds", "X video": a medium that carried the news."""
    if not at.know.industries & MEDIA:
        return None
    if at.before in _TOLD or (at.before == "the" and at.before_that in _TOLD):
        return "medium_not_subject", -4.0
    if at.possessive and (at.after in at.lex["media_output"] or at.after_that in at.lex["media_output"]):
        return "medium_not_subject", -2.4
    if (
        at.left is not None
        and at.before == "by"
        and at.right is None
        and at.text.proper(at.left)
        and _news(at)
    ):
        # "... By Acme News"
        return "medium_not_subject", -4.0
    polled = any(t.norm in at.lex["polls"] for t in at.text.tokens[at.last + 1 : at.last + 4])
    joint = at.text.raw.startswith("/", at.hit.end)
    if polled and not at.possessive and (joint or at.after in at.lex["divisions"]):
        return "medium_not_subject", -3.5
    if at.after in at.lex["study"] and not at.possessive and at.after_that not in at.lex["finance_news"]:
        return "medium_not_subject", -3.5
    # "X Maps", with a capital, is a product
    product = at.right is not None and at.text.capital(at.right) and at.after in at.lex["products"]
    if (at.after in at.lex["media_use"] or at.after in at.lex["fame"]) and not at.possessive and not product:
        return "medium_not_subject", -2.4
    return None


def _attributed(at: Spot) -> bool:
    """ "Minister to resign: Acme Post": a medium or a bank alone behind the colon or dash that closes a headline."""
    if at.last + 1 < len(at.text.tokens) or at.first == 0 or at.possessive:
        return False
    return bool(at.know.industries & SPEAKERS) and _APART.search(at.head) is not None


def _source(at: Spot) -> Finding | None:
    """ "according to X", "..., X estimates": where the news comes from."""
    if at.before == "to" and at.before_that == "according":
        return "source_not_subject", -3.5
    if _attributed(at):
        return "source_not_subject", -4.0
    if at.right is None or at.possessive:
        return None
    found = at.after_that in at.lex["finding_verbs"] | at.lex["saying_verbs"]
    if found and at.after in at.lex["study"] | at.lex["polls"]:
        # "X survey shows services shrank": whoever made it
        return "source_not_subject", -3.5
    # "Acme News projects": the verb stands behind the rest of the name
    rest = at.after in at.lex["divisions"]
    verb = at.after_that if rest else at.after
    told = at.first > 0 and _news(at) and at.text.gap(at.first - 1, at.first).strip() == ","
    if not told and not _closes(at, at.right + rest):
        return None
    if verb in at.lex["finding_verbs"]:
        return "source_not_subject", -3.0
    # a maker speaks of itself ("vaccine works, X says"), a bank or a newspaper of others
    if verb in at.lex["saying_verbs"] and (_news(at) or "banking" in at.know.industries):
        return "source_not_subject", -4.0
    return None


def _analyst(at: Spot) -> Finding | None:
    """ "X lifts Acme price target", "X's Jane Roe: ...": a bank's opinion of others."""
    if "banking" not in at.know.industries or at.right is None:
        return None
    opinion = at.after in at.lex["opinions"] or (at.after == "price" and at.after_that == "target")
    if opinion and not at.possessive and at.before in at.lex["prepositions"]:
        # "falls despite X upgrade"
        return "source_not_subject", -3.0
    if at.after in at.lex["analysts"] or at.after_that in at.lex["analysts"]:
        return "source_not_subject", -3.0
    # "X's Jane Roe: ..."
    second = at.right + 1
    person = at.possessive and at.text.joined(at.right, second) and at.text.capital(second)
    if person and at.text.ends_with(second, ":"):
        return "source_not_subject", -3.0
    if at.after in at.lex["analyst_verbs"] and not at.text.norms.isdisjoint(at.lex["analyst_objects"]):
        return "source_not_subject", -3.0
    return None


VOICES: tuple[Rule, ...] = (_platform, _used, _medium, _source, _analyst)
