"""What keeps a text out, or lets it in, whatever the words say: a client's excluded terms, taught rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from tasks.companies.index import Hit
from tasks.companies.names import Profile, words_of

RuleKind = Literal["exclude_context", "require_context"]


class MatchRule(BaseModel, frozen=True):
    """What a user's verdict taught: readable, and undone by leaving it out.

    `exclude_context`: a text with the phrase is not about the client. `require_context`: only a text with
    the phrase (or one of several such rules' phrases) is. Phrases are compared word by word, without case.
    """

    kind: RuleKind
    phrase: str
    id: str = ""
    note: str = ""

    @classmethod
    def exclude_context(cls, phrase: str, id: str = "", note: str = "") -> MatchRule:
        """A rule that keeps texts with the phrase out."""
        return cls(kind="exclude_context", phrase=phrase, id=id, note=note)

    @classmethod
    def require_context(cls, phrase: str, id: str = "", note: str = "") -> MatchRule:
        """A rule that lets only texts with the phrase in."""
        return cls(kind="require_context", phrase=phrase, id=id, note=note)


def contains(haystack: tuple[str, ...], needle: tuple[str, ...]) -> bool:
    """Whether words stand in a text one after the other."""
    n = len(needle)
    return n > 0 and any(haystack[i : i + n] == needle for i in range(len(haystack) - n + 1))


def excluding_term(profile: Profile, words: tuple[str, ...], hits: Sequence[Hit]) -> str | None:
    """The excluded term that keeps the whole text out.

    A term that contains the client's name ("Delta Dental") only takes those places out; see `covered`.
    """
    if not profile.excluded_terms:
        return None
    surfaces = {words_of(h.surface) for h in hits}
    for term in profile.excluded_terms:
        needle = words_of(term)
        if not any(contains(needle, surface) for surface in surfaces) and contains(words, needle):
            return term
    return None


def deciding_rule(rules: Sequence[MatchRule], words: tuple[str, ...]) -> MatchRule | None:
    """The taught rule that keeps a text out; None where all let it pass."""
    for rule in rules:
        if rule.kind == "exclude_context" and contains(words, words_of(rule.phrase)):
            return rule
    required = [r for r in rules if r.kind == "require_context"]
    if required and not any(contains(words, words_of(r.phrase)) for r in required):
        return required[0]
    return None


def covered(profile: Profile, text: str, hit: Hit) -> bool:
    """Whether a hit stands inside an excluded term, such as a namesake's longer name."""
    for term in profile.excluded_terms:
        needle, own = words_of(term), words_of(hit.surface)
        if len(needle) <= len(own) or not contains(needle, own):
            continue
        pattern = r"\W+".join(map(re.escape, re.findall(r"\w+", term)))
        if any(
            m.start() <= hit.start and hit.end <= m.end() for m in re.finditer(pattern, text, re.IGNORECASE)
        ):
            return True
    return False
