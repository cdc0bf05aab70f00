"""A text as the patterns see it: lower-case words, one space between, and the way back to the original."""

import re
from dataclasses import dataclass
from functools import lru_cache

# A number with its currency or unit ("$1.5bn", "12%"), initials ("U.S."), a word with inner marks
# ("Moody's", "AT&T"), or a mark that ends a clause. Everything else (quotes, hyphens, brackets) separates.
_TOKEN = re.compile(
    r"[^\W\d_]{0,3}[$€£¥₹]\d+(?:[.,]\d+)*[^\W\d_]*"
    r"|#?\d+(?:[.,:]\d+)*(?:%|[^\W\d_]*\+?)"
    r"|(?:[^\W\d_]\.){2,}"
    r"|[^\W_]+(?:['’.&+][^\W_]+)*['’.]?"
    r"|[.;!…|:?,%]|[–—]|(?<=\s)-(?=\s)|\.\.\."
)
_ABBREVIATIONS = frozenset(
    {"inc.", "corp.", "co.", "ltd.", "plc.", "vs.", "dr.", "mr.", "ms.", "mrs.", "st."}
)
_KEEP_S = frozenset({"here's", "what's", "that's", "it's", "who's", "there's", "let's", "how's", "where's"})
BREAK = "|"  # the canonical mark of a clause's end; gaps in patterns never cross it, nor ":" and "?"
_MARKS = dict.fromkeys(".;!…—–-|", BREAK) | {"...": BREAK, ":": ":", "?": "?", ",": ",", "%": "%"}


@lru_cache(maxsize=65_536)
def _words(token: str) -> tuple[str, ...]:
    """Canonical words of one raw token: none, one, or a word and the mark that ended its sentence."""
    if token in _MARKS:
        return (_MARKS[token],)
    word = token.lower().replace("’", "'")
    if word.endswith("'"):
        word = word[:-1]
    if word.endswith("'s") and word not in _KEEP_S:
        word = word[:-2]
    if word.endswith("."):
        if word in _ABBREVIATIONS or word.count(".") > 1:
            return (word.replace(".", ""),)
        return (word[:-1], BREAK)
    return (word,) if word else ()


@dataclass(frozen=True, slots=True)
class Text:
    """One text in canonical form: `canon` is " word word … " with a space at both ends."""

    original: str
    words: tuple[str, ...]
    canon: str

    def span(self, start: int, end: int) -> str:
        """The original words behind `canon[start:end]`: always a substring of the original."""
        first = self.canon.count(" ", 0, start + 1) - 1
        last = self.canon.count(" ", 0, end) - 1
        at, found_start, found_end = 0, 0, len(self.original)
        for match in _TOKEN.finditer(self.original):
            count = len(_words(match.group()))
            if not count:
                continue
            if at <= first < at + count:
                found_start = match.start()
            if at < last <= at + count:
                found_end = match.end()
                break
            at += count
        return self.original[found_start:found_end].rstrip(" .,;:'’")


def canonical(text: str) -> Text:
    """Normalise `text` for matching; linear in its length."""
    words: list[str] = []
    for token in _TOKEN.findall(text):
        words.extend(_words(token))
    return Text(text, tuple(words), " " + " ".join(words) + " " if words else " ")


# What follows one of these explains the main clause and does not head it: "CEO quits amid probe".
_SUBORDINATORS = re.compile(
    r" (?:as|after|amid|amidst|following|despite|while|over|because|since|before|even_as|ahead of|due to"
    r"|in wake of|in the wake of|in bid to|in a bid to|thanks to|when|weeks after|months after) "
)
_FRONTED = re.compile(
    r"^ (?:as|after|amid|following|despite|while|with|days after|weeks after|months after) "
)


def main_clause(text: Text) -> tuple[int, int]:
    """(start, end) in `canon` of the clause that makes the headline's statement."""
    canon = text.canon
    if _FRONTED.match(canon):
        comma = canon.find(" , ")
        if comma > 0:
            return comma + 2, len(canon)
    # The third word is the earliest place at which a whole statement can have been made.
    at = 0
    for _ in range(3):
        at = canon.find(" ", at + 1)
        if at < 0:
            return 0, len(canon)
    found = _SUBORDINATORS.search(canon, at)
    return (0, found.start() + 1) if found else (0, len(canon))
