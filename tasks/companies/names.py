"""The public profile of a client, and the forms under which texts name it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from pydantic import BaseModel

from tasks.companies.frequency import commonness, zipf
from tasks.companies.lexicon import lexicon, third_person

HitKind = Literal["name", "legal_name", "alias", "generated_alias", "ticker", "domain"]

# A word, a lone ampersand, or an at-sign word; an apostrophe ends a word, so that "Lowe's" is "lowe" + "s".
TOKEN = re.compile(r"\w+|&")
MIN_INITIALS = 3
PLAIN = 0.5
"""From this commonness on, the first word of a legal name ("Restaurant Brands") does not stand for it alone."""
GENERIC_ZIPF = 5.1
KNOWN_ZIPF = 3.2
"""From here on letters are a word or an abbreviation that people use for something else, too."""


class Profile(BaseModel, frozen=True):
    """The public profile of a client: the only facts about it that matching may use."""

    key: str
    name: str
    legal_name: str | None = None
    aliases: tuple[str, ...] = ()
    domain: str | None = None
    ticker: str | None = None
    excluded_terms: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    industry: str | None = None


class Token(NamedTuple):
    """A word of a text: as written, normalised, and where it stands (`text[start:end]`)."""

    text: str
    norm: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Form:
    """One way a company is written, as normalised words."""

    words: tuple[str, ...]
    kind: HitKind
    exact: str | None = None
    """The form must be written exactly so (initials, tickers): case is all the evidence they carry."""
    stripped: bool = False
    """What the name says of its trade was cut off ("Delta Air Lines" to "Delta"): needs more context."""


def normalise(word: str) -> str:
    """A word for comparison: casefolded, without diacritics, `&` as "and"."""
    if word.isascii():
        return "and" if word == "&" else word.lower()
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def tokenize(text: str) -> list[Token]:
    """The words of a text in order, with their places in it."""
    plain = text.isascii()
    tokens: list[Token] = []
    for match in TOKEN.finditer(text):
        word = match.group()
        norm = word.lower() if plain and word != "&" else normalise(word)
        tokens.append(Token(word, norm, match.start(), match.end()))
    return tokens


def words_of(text: str) -> tuple[str, ...]:
    """The normalised words of a name or phrase; `S.A.` and `J.P.` fall into letters."""
    return tuple(normalise(m.group()) for m in TOKEN.finditer(text))


def _drop_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """A name without "The" and without its legal form ("The Kroger Co." to "kroger")."""
    legal = lexicon()["legal_forms"]
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    while len(words) > 1:
        if words[-1] in legal or words[-1] == "and":
            words = words[:-1]
        elif len(words) > 2 and "".join(words[-2:]) in legal and len(words[-1]) == 1:
            words = words[:-2]
        elif len(words) > 3 and "".join(words[-3:]) in legal and len(words[-1]) == 1:
            words = words[:-3]
        else:
            break
    return words


def _drop_descriptors(words: tuple[str, ...]) -> tuple[str, ...]:
    """A name without what it says of its trade or structure ("ford motor" to "ford")."""
    lex = lexicon()
    loose = lex["descriptors"] | lex["group_words"] | lex["legal_forms"]
    while len(words) > 1 and words[-1] in loose:
        words = words[:-1]
        if len(words) > 1 and words[-1] in ("and", "of"):
            words = words[:-1]
    return words


def _generic(words: tuple[str, ...]) -> bool:
    """Whether words say too little to stand for a company whose name only begins with them ("General")."""
    return all(zipf(word) >= GENERIC_ZIPF for word in words)


def _joined(words: tuple[str, ...], source: str) -> list[tuple[str, ...]]:
    """Spellings without the hyphen or apostrophe: "Wal-Mart" is also "walmart", "Lowe's" also "lowes"."""
    found: list[tuple[str, ...]] = []
    if re.search(r"\w-\w", source) and len(words) == 2:
        found.append(("".join(words),))
    if words[-1] == "s" and len(words) > 1 and re.search(r"\w[’'`]s\b", source):
        found.append((*words[:-2], words[-2] + "s"))
    return found


def _only_a_ticker(ticker: str, profile: Profile) -> bool:
    """Whether a ticker given as an alias says too little outside market context."""
    if not ticker.isupper() or len(ticker) < 2:
        return True
    initials = {
        "".join(w[0] for w in _drop_forms(words_of(name)) if w not in ("and", "of", "the")).upper()
        for name in (profile.name, profile.legal_name or "")
    }
    return ticker not in initials and zipf(ticker.lower()) >= KNOWN_ZIPF


@lru_cache(maxsize=20_000)
def forms(profile: Profile) -> tuple[Form, ...]:
    """All forms a profile is found by: given names first, then what is generated from them.

    Given: name, legal name, aliases. Generated: each without legal form and leading "The", without trade
    words when the rest still identifies, joined spellings, initials of three letters or more.
    An alias equal to the ticker is a ticker, which counts in market context only, where it is also a word
    ("CAT"); initials of the name ("GM") and made-up letters are an alias like any other.
    """
    found: dict[tuple[str, ...], Form] = {}
    ticker = (profile.ticker or "").strip()

    def add(
        words: tuple[str, ...], kind: HitKind, *, exact: str | None = None, stripped: bool = False
    ) -> None:
        # one letter is a name only as its owner writes it
        if words and words not in found and (exact or any(len(w) > 1 for w in words)):
            found[words] = Form(words, kind, exact, stripped)

    given: list[tuple[str, HitKind]] = [(profile.name, "name")]
    if profile.legal_name:
        given.append((profile.legal_name, "legal_name"))
    given += [
        (alias, "alias")
        for alias in profile.aliases
        if alias.strip() and not (alias.strip() == ticker and _only_a_ticker(ticker, profile))
    ]
    for text, kind in given:
        words = words_of(text)
        letters = text.strip()
        short_caps = letters.isupper() and letters.isalpha() and len(letters) <= 4 and kind == "alias"
        add(words, kind, exact=letters if short_caps else None)
    for text, kind in given:
        words = words_of(text)
        bare = _drop_forms(words)
        # the name's own core is as good as the name; a legal name's core is our reading of it
        alone = bare[0].upper() if kind == "name" and len(bare) == 1 and len(bare[0]) == 1 else None
        cut = bare != words and _generic(bare)
        if alone or not cut or kind != "name":
            add(bare, "name" if kind == "name" else "generated_alias", exact=alone, stripped=cut)
        for joined in _joined(bare, text) if bare else ():
            add(joined, "generated_alias")
        if kind != "alias":
            core = _drop_descriptors(bare)
            plain = len(core) == 1 and core[0] not in words_of(profile.name) and commonness(core[0]) >= PLAIN
            if len(core) < len(bare) and not _generic(core) and not plain and len("".join(core)) > 2:
                add(core, "generated_alias", stripped=True)
            if kind == "name" or words_of(profile.name)[:1] == bare[:1]:
                initials = "".join(w[0] for w in bare if w not in ("and", "of", "the")).upper()
                if len(bare) >= MIN_INITIALS and len(initials) >= MIN_INITIALS:
                    add((initials.lower(),), "generated_alias", exact=initials, stripped=initials != ticker)
    return tuple(found.values())


def plural(word: str) -> str:
    """The plural of a one-word name, as in "two new Boeings"."""
    return third_person(word)


def domain_of(profile: Profile) -> str | None:
    """The profile's registrable host, without scheme, path or "www."; None where it has none."""
    if not profile.domain:
        return None
    host = re.sub(r"^\w+://", "", profile.domain.strip().lower()).split("/")[0].split(":")[0]
    return host.removeprefix("www.") or None
