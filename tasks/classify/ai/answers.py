"""What a model answered, checked: every story once, within range, with words that are really in the text."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from models.events import Category
from tasks.classify.classifier import Text
from tasks.classify.rules.categories import RISKS, Risk
from tasks.companies.names import Profile
from tasks.search.text import clean

About = Literal["main", "passing", "no"]
REASON_MAX = 240
EVIDENCE_MAX = 200


class Numbered(BaseModel):
    """What a model says of one story.

    Ranges and lengths are checked afterwards, not by the schema: not every provider sends or keeps such limits.
    """

    model_config = ConfigDict(extra="forbid")

    number: int
    """The story's, from 1."""


N = TypeVar("N", bound=Numbered)


class Sheet(BaseModel, Generic[N]):
    """The whole answer to a call."""

    model_config = ConfigDict(extra="forbid")

    stories: list[N]


class StoryAnswer(Numbered):
    """One story's judgement as the model gives it."""

    about: About
    category: Category
    relevance: float
    sentiment: float
    risk: Risk
    confidence: float
    evidence: str
    reason: str


class Answers(Sheet[StoryAnswer]):
    """The judgements of a call's stories."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[N]):
    """The answers that hold, by story number from 0, and what is wrong with the rest, in words for the re-ask."""

    good: dict[int, N]
    faults: dict[int, str]
    """By story number from 0: why there is no answer to use."""

    @property
    def complete(self) -> bool:
        return not self.faults


def check(answers: Sheet[N] | None, count: int, fault: Callable[[int, N], str]) -> Checked[N]:
    """Keep what can be used of the answers about ``count`` stories.

    ``fault`` says what is wrong with the answer about the story of this index; nothing: empty. A number that was
    answered twice, or that nobody asked about, is used for no story.
    """
    if answers is None:
        return Checked({}, dict.fromkeys(range(count), "no answer that could be read"))
    given: dict[int, list[N]] = {}
    for answer in answers.stories:
        given.setdefault(answer.number - 1, []).append(answer)
    good: dict[int, N] = {}
    faults: dict[int, str] = {}
    for index in range(count):
        found = given.get(index, [])
        if len(found) != 1:
            faults[index] = "not answered" if not found else f"answered {len(found)} times"
        elif wrong := fault(index, found[0]):
            faults[index] = wrong
        else:
            good[index] = found[0]
    return Checked(good, faults)


# "x.yz" may become a link in a mail program; "U.S." and "e.g." do not.
_ADDRESS = re.compile(r"\w+://|\bwww\.|\S@\S|\b[\w-]+\.[^\W\d_]{2,}\b")
# Browsers take the ideographic full stop for a dot; between words of these scripts it ends a sentence.
_OTHER_DOT = re.compile(r"。(?=[^\W\d_])(?![\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
# Who can be called has seven digits at least, however they are set apart.
_PHONE = re.compile(r"(?:\+\d|\(\d{2,4}\)|\b0\d)[\d ().-]{5,}\d|\d(?:[\s().-]*\d){6,}")
_YEAR = r"(?:19|20)\d\d"
_DATES = re.compile(rf"\b{_YEAR}-\d\d-\d\d\b|\b\d{{1,2}}[.-]\d{{1,2}}[.-]{_YEAR}\b|\b{_YEAR} ?- ?{_YEAR}\b")
_RISKS = r"""
      \b(?:click|tap|scan|download|install|open|visit|follow)\b.{0,40}
      \b(?:link|attachments?|files?|codes?|apps?|page|website|site|here|below)\b
    | \b(?:enter|confirm|verify|send|share|give|reply|submit|update|provide|disclose)\b.{0,40}
      \b(?:passwords?|passcodes?|credentials?|log-?ins?|pins?|codes?|cards?|bank|account\s+(?:number|details)|
        payment\s+details|api\s+keys?)\b
    | \b(?:pay|wire|transfer|remit|send|buy|sell)\b.{0,40}
      \b(?:money|funds?|payments?|invoices?|fees?|bitcoins?|crypto\w*|gift\s+cards?|shares?|stocks?)\b
    """
_RISKY = re.compile(_RISKS, re.IGNORECASE | re.VERBOSE)
# A sentence may tell that others pay or share; as an imperative, or of what is "yours", it speaks to the reader.
_ORDER = re.compile(
    rf"(?:^|[.!?:;,]\s*)(?:(?:please|now|then|and|so|just)\s+)*(?:{_RISKS})"
    r"|\byour\s+(?:\w+\s+)?(?:passwords?|passcodes?|credentials?|log-?ins?|pins?|cards?|bank)\b",
    re.IGNORECASE | re.VERBOSE,
)


def unfit_for_mail(text: str, profile: Profile, *, is_step: bool = False) -> str:
    """Why a model's words may not stand in a mail in our name; nothing: empty.

    What the web wrote must not use them to send a reader anywhere. ``is_step``: they are advice, so an imperative.
    """
    plain = _OTHER_DOT.sub(".", _plainly(text))
    if _names_address(plain, profile):
        return "it names an address or a phone number"
    if (_RISKY if is_step else _ORDER).search(plain):
        return "it asks for money, for a password, or to open something"
    return ""


def _names_address(text: str, profile: Profile) -> bool:
    """Whether a mail program might make a link of something; a client called Booking.com may be named."""
    for name in (profile.name, profile.legal_name, profile.domain, *profile.aliases):
        if name:
            text = re.sub(
                rf"(?<![\w./@-]){re.escape(name)}(?![\w/@-])(?!\.\w)", "the client", text, flags=re.IGNORECASE
            )
    return bool(_ADDRESS.search(text) or _PHONE.search(_DATES.sub("a date", text)))


def judgement_fault(answer: StoryAnswer, text: Text) -> str:
    """What is wrong with a judgement of this text; nothing: empty."""
    for name, low in (("relevance", 0.0), ("confidence", 0.0), ("sentiment", -1.0)):
        value = getattr(answer, name)
        if not low <= value <= 1.0:  # NaN is in no range
            return f"{name} {value} is not between {low:g} and 1"
    if answer.risk not in RISKS:
        return f"risk {answer.risk!r} is unknown"
    if not clean(answer.reason, REASON_MAX):
        return "reason is empty"
    if answer.about == "no" or answer.category is Category.OTHER:
        return ""
    if not occurs(answer.evidence, text):
        return "evidence is not in the title or text"
    return ""


def occurs(evidence: str, text: Text) -> bool:
    """Whether the words stand in the text, but for case, spacing and the shape of quotes and dashes."""
    words = _plain(evidence)
    return bool(words) and any(words in _plain(part) for part in (text.title, text.snippet or ""))


_SHAPES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"'}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
)


def _plainly(text: str) -> str:
    """In one line, without what cannot be seen, with plain letters, digits, quotes and dashes."""
    seen = "".join(letter for letter in clean(text, len(text) + 1) if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", seen).translate(_SHAPES)


def _plain(text: str) -> str:
    return " ".join(_plainly(text).casefold().split()).strip(" .…\"'")


def tidy(answer: StoryAnswer) -> StoryAnswer:
    """Safe to store and show: one line, bounded."""
    return answer.model_copy(
        update={
            "reason": clean(answer.reason, REASON_MAX),
            "evidence": clean(answer.evidence, EVIDENCE_MAX),
        }
    )
