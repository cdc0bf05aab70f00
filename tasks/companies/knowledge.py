"""What a profile tells about its company beyond the names: its words, its trade."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tasks.companies.lexicon import Industry, lexicon
from tasks.companies.names import Profile, words_of


@dataclass(frozen=True)
class Knowledge:
    """The vocabulary of a company, as words to look for."""

    own: frozenset[str]
    """Words of the names, legal name and aliases: as neighbours they are no strangers."""
    spellings: frozenset[str]
    """Words of the names exactly as the profile writes them."""
    terms: frozenset[str]
    """What texts about this trade talk about."""
    business: frozenset[str]
    """What texts about any company talk about, without `terms`."""
    keywords: tuple[tuple[str, ...], ...]
    industries: frozenset[str]
    shared: frozenset[tuple[str, ...]]
    """Ends of excluded terms ("Acme Auriga" gives "auriga"): names somebody else has too, in short."""


@lru_cache(maxsize=20_000)
def knowledge(profile: Profile) -> Knowledge:
    """The vocabulary of a profile: of its names, its keywords and its industry.

    The industry is read from the industry field and the keywords; where these say nothing, from the names.
    """
    lex = lexicon()
    own: set[str] = set()
    spellings: set[str] = set()
    for name in (profile.name, profile.legal_name or "", *profile.aliases):
        own.update(words_of(name))
        spellings.update(re.findall(r"\w+", name))
    about = set(words_of(profile.industry or ""))
    for keyword in profile.keywords:
        about.update(words_of(keyword))
    # where the profile does not say, its names may: "Air Lines", "Energy"
    matching = _industries(about) or _industries(own & lex["descriptors"])
    terms = frozenset[str]().union(*(industry.terms for industry in matching))
    return Knowledge(
        own=frozenset(own),
        spellings=frozenset(spellings),
        terms=terms,
        business=lex["context"] - terms,
        keywords=tuple(words for k in profile.keywords if (words := words_of(k))),
        industries=frozenset(industry.name for industry in matching),
        shared=frozenset(
            words[i:]
            for term in profile.excluded_terms
            for words in (words_of(term),)
            for i in range(1, len(words))
        ),
    )


def _industries(about: set[str]) -> list[Industry]:
    singular = {w[:-1] for w in about if w.endswith("s")}
    every = about | singular | {w + "s" for w in about}
    return [industry for industry in lexicon().industries if industry.triggers & every]
