"""What an article says, reduced to what identifies it: normalised words, numbers and an exact-content key."""

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["NUMBER_WORDS", "clean", "content_key", "numbers", "tokens", "words_key"]

_AGENCY: Final = (
    r"reuters(?: life)?|ap|ap news|associated press|the associated press|afp|agence france[- ]presse|upi|dpa|pti|"
    r"ani|ians|efe|ansa|tass|xinhua|kyodo(?: news)?|yonhap|bloomberg(?: news)?|pa media|press association|"
    r"the canadian press|canadian press|dow jones(?: newswires)?|pr ?newswire|business ?wire|globe ?newswire|"
    r"accesswire|marketwired"
)
_DASH: Final = r"[-–—―‒]{1,2}"
# "NEW YORK, May 3 (Reuters) -": the dateline goes with its agency.
_DATELINE: Final = re.compile(
    rf"^\s*(?:[A-Z][A-Z.'/ ]{{1,30}}(?:,[^()]{{0,40}})?\s*)?[(/](?i:{_AGENCY})[)/]\s*(?:{_DASH})?\s*"
    rf"|^\s*(?i:{_AGENCY})\s*{_DASH}\s+"
)
_MARK: Final = re.compile(rf"\s*\((?:{_AGENCY})\)", re.I)
_TAIL: Final = re.compile(rf"\s+(?:{_DASH}|\||via|·|•)\s+(?:{_AGENCY})\s*$", re.I)
_TAIL_PARTS: Final = re.compile(rf"^(.*\S)\s+(?:{_DASH}|\||·|•|»|::)\s+([^|]+?)\s*$", re.S)
# What any of the three above needs beside letters.
_HINT: Final = re.compile(r"[·•]|[–—―‒]\s")
_SPOKEN: Final = str.maketrans(
    {"’": "'", "‘": "'", "‛": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
)
_ACRONYM: Final = re.compile(r"\b(?:[a-z]\.){2,}(?=[^a-z]|$)")
_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*", re.U)
# The same where all is ASCII.
_ASCII_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)*|\d+(?:[.,]\d+)*", re.A)
# Of small ASCII letters, figures and these three words and numbers are made.
_APART: Final = {n: " " for n in range(128) if chr(n) not in "abcdefghijklmnopqrstuvwxyz0123456789'.,"}
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_THOUSANDS: Final = re.compile(r"^\d{1,3}(?:,\d{3})+(?:\.\d+)?$")

NUMBER_WORDS: Final = {
    word: str(n)
    for n, words in enumerate(
        "two second|three third|four fourth|five fifth|six sixth|seven seventh|eight eighth|nine ninth|ten tenth"
        "|eleven eleventh|twelve twelfth".split("|"),
        start=2,
    )
    for word in words.split()
}
"""Small numbers in words; "one" and "first" say too much else."""


def clean(text: str | None, source: str | None = None) -> str:
    """`text` without syndication marks ("(Reuters)", "Reuters -", "via AP") and without a trailing " - Source"
    or " | Source" that equals `source`. Case and punctuation stay."""
    if not text:
        return ""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    text = text.strip()
    if source:
        tail = _TAIL_PARTS.match(text)
        if tail and _plain(tail.group(2)) == _plain(source):
            text = tail.group(1)
    if not _may_be_marked(text):
        return text
    stripped = _DATELINE.sub("", text, count=1)
    stripped = _TAIL.sub("", _MARK.sub("", stripped)).strip()
    return stripped or text


def _may_be_marked(text: str) -> bool:
    """Spares most texts the cost of the expressions for syndication marks."""
    if "(" in text or "/" in text or "|" in text or "- " in text or " via " in text.lower():
        return True
    return not text.isascii() and _HINT.search(text) is not None


def tokens(text: str) -> list[str]:
    """Lower-case words and numbers in order: accents folded, possessives dropped, dotted acronyms joined,
    thousands separators removed; runs of Chinese, Japanese or Korean as overlapping pairs of characters."""
    text = text.lower()
    ascii_only = text.isascii()
    if not ascii_only:
        decomposed = unicodedata.normalize("NFKD", text.translate(_SPOKEN))
        text = unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))
        ascii_only = text.isascii()
    if "." in text and any(len(part) == 1 for part in text.split(".")[1:-1]):
        text = _ACRONYM.sub(lambda m: m.group(0).replace(".", ""), text)
    return _ascii_words(text) if ascii_only else _words(text)


def _ascii_words(text: str) -> list[str]:
    """`_words` of a text without other letters, at twice the speed: most words stand alone."""
    found: list[str] = []
    for chunk in text.translate(_APART).split():
        if chunk.isalpha() or (chunk := chunk.strip("'.,")).isalpha():
            found.append(chunk)
        elif chunk:
            found.extend(map(_spelt, _ASCII_WORD.findall(chunk)))
    return found


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _WORD.findall(text):
        if not word.isascii() and _CJK.search(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(_spelt(word))
    return found


def _spelt(word: str) -> str:
    if word[0].isdigit():
        return word.replace(",", "") if _THOUSANDS.match(word) else word.replace(",", ".")
    return word[:-2] if word.endswith("'s") else word.replace("'", "")


def numbers(text: str) -> list[str]:
    """The numbers of a text in order, as `tokens` writes them."""
    return [t for t in tokens(text) if t[0].isdigit()]


def content_key(title: str, snippet: str | None = None, source: str | None = None) -> str:
    """Equal for two articles exactly when their title and snippet say the same words and numbers in the same
    order, whatever their case, quotes, punctuation, spacing, syndication marks and appended source name.

    Hexadecimal, 32 characters; "" for an article without words, which equals nothing.
    """
    return words_key(tokens(clean(title, source)), tokens(clean(snippet, source)))


def words_key(title: list[str], snippet: list[str]) -> str:
    """`content_key` for an article whose tokens are known."""
    if not title and not snippet:
        return ""
    text = " ".join(title) + "\n" + " ".join(snippet)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    words = tokens(text)
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)
