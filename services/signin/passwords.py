"""What a password must be, and how it is kept.

The rules are NIST's (SP 800-63B-4, 3.1.1): 15 characters where nothing else is asked for, no demands on what they are
made of, no expiry, none of those that are guessed first, and normalised, so that every keyboard writes the same one.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn import zxcvbn  # type: ignore[import-untyped]

from services.errors import UserError

MIN_LENGTH = 15
MAX_LENGTH = 128
_SCORE = 3
"""zxcvbn's: more than 10^8 guesses."""
_LOOKED_AT = 72
"""Characters; what zxcvbn takes at most."""
_OWN_LETTERS = 8
"""Letters a password has besides the words anybody would try for this person."""
_SERVICE = ("client", "monitor")
_FAMOUS = ("correcthorsebatterystaple", "troubadour")
"""Examples that everybody copies, and no list of single words has."""
# OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
_AT_ONCE = BoundedSemaphore(4)
"""Each hash takes memory: those who try many at once wait for each other."""


def normal(password: str) -> str:
    """The password as it is counted and hashed."""
    return unicodedata.normalize("NFKC", password)


def refuse_weak(password: str, context: Iterable[str]) -> None:
    """UserError unless it may be a password. ``context`` is what is known of the person: name, address, company."""
    given = normal(password)
    if not MIN_LENGTH <= len(given) <= MAX_LENGTH:
        raise UserError(
            f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters, this one {len(given)}",
            "a few words that do not belong together make a good one",
        )
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in given):
        raise UserError("a password cannot hold control characters", "type it again")
    words = sorted({*_words(context), *_SERVICE}, key=len, reverse=True)
    if _letters_besides(given, words) < _OWN_LETTERS and any(word in given.lower() for word in words):
        raise UserError(
            "this is made of your name, your address or your company: it is tried first",
            "a few words that do not belong together make a good one",
        )
    if any(example in re.sub(r"[\W_]", "", given.lower()) for example in _FAMOUS):
        raise UserError("this is a famous example", "think of other words")
    judged = zxcvbn(given[:_LOOKED_AT], user_inputs=words)
    if judged["score"] < _SCORE:
        why = judged["feedback"]["warning"] or "this is among the first that are tried"
        raise UserError(why.rstrip("."), "a few words that do not belong together make a good one")


def hashed(password: str) -> str:
    """What the database keeps."""
    with _AT_ONCE:
        return _HASHER.hash(normal(password))


def matches(password: str, stored: str) -> tuple[bool, str | None]:
    """Whether it is the password, and its hash anew when it is kept otherwise than it would be now."""
    given = normal(password)
    is_possible = len(given) <= MAX_LENGTH
    try:
        with _AT_ONCE:
            is_right, renewed = _HASHER.verify_and_update(given[:MAX_LENGTH], stored)
    except (PwdlibError, UnicodeEncodeError):
        return False, None
    return (is_right, renewed) if is_possible else (False, None)


def spend(password: str) -> None:
    """As much work as to check a password, for an address nobody has."""
    matches(password, _nobodys())


@cache
def _nobodys() -> str:
    return hashed("of nobody at all")


def _words(context: Iterable[str]) -> set[str]:
    found = re.findall(r"[^\W\d_]+", " ".join(context).lower())
    return {word for word in found if len(word) >= 3}


def _letters_besides(password: str, words: Iterable[str]) -> int:
    rest = password.lower()
    for word in words:
        rest = rest.replace(word, " ")
    return sum(char.isalpha() for char in rest)
