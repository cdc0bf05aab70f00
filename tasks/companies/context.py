"""What a headline shows about itself: words, letter case, sentence starts, neighbours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from tasks.companies.lexicon import lexicon
from tasks.companies.names import Token, tokenize

Style = Literal["sentence", "title", "upper", "lower"]

QUOTES = frozenset({"'", '"', "(", "["})
_OPENS_SENTENCE = re.compile(r"(?:[.:;!?|…](?:\s|$)|[—–]|\s-\s|[“\"‘(\[]|(?:^|\s)['])")
_CURLY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})


def straight(text: str) -> str:
    """The text with typewriter quotes; same length, so that places stay valid."""
    return text.translate(_CURLY)


_MIXED = re.compile(r"[a-z]{1,2}[A-Z]\w+|(?!Mc|Mac[A-Z]|De[A-Z]|La[A-Z]|O[A-Z])[A-Z][a-z]+[A-Z]\w*")
_MODEL = re.compile(r"(?![QHGB]\d\d?$)[A-Za-z]{1,4}\d{1,3}\w{0,3}")


def invented(word: str) -> bool:
    """Whether a word is spelled as only products and brands are: "iPhone", "M5", "YouTube"."""
    return bool(_MIXED.fullmatch(word) or _MODEL.fullmatch(word))


_SIZES = "Pro|Max|Plus|Ultra|Mini|Air|Lite|SE|Edge|Fold|Flip|Neo|Gen"
_NUMBERED = re.compile(rf"\b[A-Z]\w+ \d{{1,3}} (?:{_SIZES})\b|\b[A-Z][a-z]+ \(\d\w?\)")
_SHORT = 3


def _short_form(token: Token) -> bool:
    """Whether a full stop behind a word is part of it: "U.N.", "Bros."."""
    return len(token.text) == 1 or token.norm in lexicon()["abbreviations"]


@dataclass(slots=True)
class Text:
    """A headline or lead, cut into words once and asked many times."""

    raw: str
    tokens: list[Token]
    style: Style
    starts: frozenset[int]
    """Indices of words whose capital letter is owed to their position."""
    clauses: frozenset[int]
    """Indices of words that open the text or a clause of it; a quotation is no clause."""
    norms: frozenset[str] = field(default_factory=frozenset)
    inventions: int = 0
    """How many words are spelled as only products are."""
    kinds: dict[str, tuple[int, int]] | None = None
    """The kinds of headline it is, once somebody asked."""

    def gap(self, left: int, right: int) -> str:
        """What stands between two words, straight quotes."""
        return self.raw[self.tokens[left].end : self.tokens[right].start]

    def joined(self, left: int, right: int) -> bool:
        """Whether two neighbours form one phrase: nothing but a blank or a hyphen between them."""
        if not 0 <= left < right < len(self.tokens):
            return False
        gap = self.gap(left, right)
        if gap == "-":
            return True
        gap = gap.strip(" ")
        # "U.N. General": the full stop after a letter or a short form ends no phrase
        return gap == "" or (gap == "." and _short_form(self.tokens[left]))

    def near(self, left: int, right: int) -> bool:
        """Whether two neighbours are joined, a closing quotation mark between them or not: "'inquiry' into"."""
        return self.joined(left, right) or self.gap(left, right) in ("' ", '" ')

    def ends_with(self, i: int, mark: str) -> bool:
        """Whether a mark follows a word."""
        return self.raw.startswith(mark, self.tokens[i].end)

    def capital(self, i: int) -> bool:
        return self.tokens[i].text[:1].isupper()

    def proper(self, i: int) -> bool:
        """Whether the capital of a word says that it is a name."""
        return self.style == "sentence" and self.capital(i) and i not in self.starts

    def quoted_with_others(self, first: int, last: int) -> bool:
        """Whether words stand inside a short quoted phrase together with other words: a title, a product."""
        raw = self.raw
        if '"' not in raw and "'" not in raw:
            return False
        for quote in ('"', "'"):
            begin = self.tokens[first].start
            while begin > 0 and not (raw[begin - 1] == quote and not raw[: begin - 1][-1:].isalnum()):
                begin -= 1
            close = raw.find(quote, self.tokens[last].end)
            while 0 <= close < len(raw) - 1 and quote == "'" and raw[close + 1].isalnum():
                close = raw.find(quote, close + 1)
            if begin > 0 and close > 0:
                inside = [t for t in self.tokens if begin <= t.start and t.end <= close and t.norm != "s"]
                if last - first + 1 < len(inside) <= 6:
                    return True
        return False

    def phrase(self, words: tuple[str, ...]) -> bool:
        """Whether the words stand in the text one after the other."""
        if not words or words[0] not in self.norms:
            return False
        norms, size = [t.norm for t in self.tokens], len(words)
        return any(tuple(norms[i : i + size]) == words for i in range(len(norms) - size + 1))

    def at(self, start: int) -> int:
        """The index of the word that begins at a place of the text."""
        for i, token in enumerate(self.tokens):
            if token.end > start:
                return i
        return len(self.tokens) - 1


@lru_cache(maxsize=8192)
def analyse(raw: str) -> Text:
    """Cut a text into words and read its letter case."""
    plain = straight(raw)
    tokens = tokenize(plain)
    starts = {0} if tokens else set()
    quotes: set[int] = set()
    for i in range(1, len(tokens)):
        gap = plain[tokens[i - 1].end : tokens[i].start]
        if gap == " ":
            continue
        initial = gap.strip() == "." and _short_form(tokens[i - 1])
        if not initial and _OPENS_SENTENCE.search(gap):
            starts.add(i)
            if gap.strip() in QUOTES:
                quotes.add(i)
    return Text(
        plain,
        tokens,
        _style(tokens, starts),
        frozenset(starts),
        frozenset(starts - quotes),
        frozenset(t.norm for t in tokens),
        sum(invented(t.text) for t in tokens) + len(_NUMBERED.findall(plain)),
    )


def _style(tokens: list[Token], starts: set[int]) -> Style:
    function, small = lexicon()["function_words"], lexicon()["prepositions"]
    letters = upper = content = lower = 0
    for i, (text, norm, _, _) in enumerate(tokens):
        if len(text) < 2 or not text.isalpha():
            continue
        letters += 1
        upper += text.isupper()
        if len(text) > 3 and i not in starts and norm not in function and norm not in small:
            content += 1
            lower += text.islower()
    if letters > 1 and upper >= 0.8 * letters:
        return "upper"
    if content and lower == content:
        return "sentence" if any(t.text[0].isupper() for t in tokens) else "lower"
    # two or more plain words in lower case: nobody capitalises by habit here; in a short headline one is enough
    enough = lower >= 2 or (lower == 1 and content <= _SHORT)
    return "sentence" if enough and lower >= 0.3 * content else "title"
