"""A text as the patterns see it: lower-case words, one space between, and the way back to the original."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# A number with its currency or unit ("$1.5bn", "12%"), initials ("U.S."), a word with inner marks
# ("Moody's", "AT&T"), or a mark that ends a clause. Everything else (quotes, hyphens, brackets) separates.
TOKEN = re.compile(
    r"[^\W\d_]{0,3}[$€£¥₹₩₺₽₦฿₫₱]\d+(?:[.,]\d+)*[^\W\d_]*"
    r"|#?\d+(?:[.,:]\d+)*(?:%|[^\W\d_]*\+?)"
    r"|(?:[^\W\d_]\.){2,}"
    r"|[^\W_]+(?:['’.&+][^\W_]+)*['’.]?"
    r"|[.;!…|:?,%]|[–—]|(?<=\s)-(?=\s)|\.\.\."
)
BREAK = "|"  # the canonical mark of a clause's end; gaps in patterns never cross it, nor ":" and "?"
_TOKENS_KEPT = 65_536  # a bound on memory; beyond it tokens are read again
_DIGIT = re.compile(r"\d")
_MARKS = dict.fromkeys(".;!…—–-|", BREAK) | {"...": BREAK, ":": ":", "?": "?", ",": ",", "%": "%"}


def _either(words: str) -> str:
    return "|".join(re.escape(word.replace("_", " ")) for word in words.split())


def _hidden(idiom: re.Match[str]) -> str:
    """An idiom with every word after the first marked, so that no pattern takes it for itself."""
    first, *others = idiom.group().split()
    return " " + " ".join([first, *(f"·{word}" for word in others)])


class Reader:
    """Reads texts of one language: what its marks and endings mean, and which clause makes the statement."""

    def __init__(
        self,
        *,
        abbreviations: frozenset[str],
        possessive: str,
        kept: frozenset[str],
        explaining: str,
        fronted: str,
        reporting: str,
        idioms: str,
    ) -> None:
        self._abbreviations = abbreviations
        self._possessive = possessive
        self._kept = kept
        # What follows one of these explains the main clause and does not head it: "CEO quits amid probe".
        self._explaining = re.compile(f" (?:{_either(explaining)}) ")
        self._fronted = re.compile(f"^ (?:{_either(fronted)}) ")
        # "…, the ministry says": who says it, not whom it is about.
        self._attribution = re.compile(f" , (?:[^ |,:?]+ ){{1,5}}(?:{_either(reporting)}) (?=[|(]|$)")
        self._idioms = re.compile(f" (?:{_either(idioms)})(?= )") if idioms else None
        self._known: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "Reader":
        """From the `text` section of a language's file."""
        return cls(
            abbreviations=frozenset(data["abbreviations"].split()),
            possessive=data["possessive"],
            kept=frozenset(data["kept"].split()),
            explaining=data["explaining"],
            fronted=data["fronted"],
            reporting=data["reporting"],
            idioms=data["idioms"],
        )

    def canonical(self, text: str) -> "Text":
        """Normalise `text` for matching; linear in its length."""
        words: list[str] = []
        known = self._known  # asked here too: a call for each token is a tenth of the time
        for token in TOKEN.findall(text):
            words.extend(known.get(token) or self.words_of(token))
        canon = " " + " ".join(words) + " " if words else " "
        if self._idioms and self._idioms.search(canon):
            canon = self._idioms.sub(_hidden, canon)
            words = canon.split()
        return Text(
            original=text,
            words=tuple(words),
            canon=canon,
            reader=self,
            word_set=frozenset(words),
            has_digit=_DIGIT.search(text) is not None,
        )

    def main_clause(self, text: "Text") -> tuple[int, int]:
        """(start, end) in `canon` of the clause that makes the headline's statement."""
        canon = text.canon
        if self._fronted.match(canon):
            comma = canon.find(" , ")
            if comma > 0:
                return comma + 2, len(canon)
        # The third word is the earliest place at which a whole statement can have been made.
        at = 0
        for _ in range(3):
            at = canon.find(" ", at + 1)
            if at < 0:
                return 0, len(canon)
        found = self._explaining.search(canon, at)
        return (0, found.start() + 1) if found else (0, len(canon))

    def attribution(self, text: "Text") -> tuple[int, int]:
        """(start, end) in `canon` of the words at a clause's end that only name the source; (0, 0) if none do."""
        found = self._attribution.search(text.canon)
        return found.span() if found else (0, 0)

    def words_of(self, token: str) -> tuple[str, ...]:
        """The canonical words of one raw token; few tokens are new, so they are remembered."""
        found = self._known.get(token)
        if found is None:
            found = self._words(token)
            if len(self._known) < _TOKENS_KEPT:
                self._known[token] = found
        return found

    def _words(self, token: str) -> tuple[str, ...]:
        """Canonical words of one raw token: none, one, or a word and the mark that ended its sentence."""
        if token in _MARKS:
            return (_MARKS[token],)
        word = token.lower().replace("’", "'")
        if word.endswith("'"):
            word = word[:-1]
        if self._possessive and word.endswith(self._possessive) and word not in self._kept:
            word = word.removesuffix(self._possessive)
        if word.endswith("."):
            if word in self._abbreviations or word.count(".") > 1:
                return (word.replace(".", ""),)
            return (word[:-1], BREAK)
        return (word,) if word else ()


@dataclass(frozen=True, slots=True)
class Text:
    """One text in canonical form: `canon` is " word word … " with a space at both ends."""

    original: str
    words: tuple[str, ...]
    canon: str
    reader: Reader
    word_set: frozenset[str]
    has_digit: bool

    def span(self, start: int, end: int) -> str:
        """The original words behind `canon[start:end]`: always a substring of the original."""
        first = self.canon.count(" ", 0, start + 1) - 1
        last = self.canon.count(" ", 0, end) - 1
        at, found_start, found_end = 0, 0, len(self.original)
        for match in TOKEN.finditer(self.original):
            count = len(self.reader.words_of(match.group()))
            if not count:
                continue
            if at <= first < at + count:
                found_start = match.start()
            if at < last <= at + count:
                found_end = match.end()
                break
            at += count
        return self.original[found_start:found_end].rstrip(" .,;:'’")
