"""One hit among the words of its text, with everything the rules about it ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.companies.context import Text, invented
from tasks.companies.frequency import ambiguity, singular, zipf
from tasks.companies.index import Hit
from tasks.companies.knowledge import Knowledge, knowledge
from tasks.companies.lexicon import Lexicon, lexicon
from tasks.companies.names import Profile

COMMON = 0.4
"""From here on a form is a common word first and a name second."""

_WORD = 3.0
"""The Zipf frequency from which on a word is one that people know."""
Finding = tuple[str, float]
"""What a rule found: the name of the score part and its weight; positive speaks for the company."""

NOTHING: Finding = ("", 0.0)
"""A rule's answer that the case is settled and weighs nothing."""


@dataclass(slots=True)
class Spot:
    """A hit, its place among the words, and its neighbours in the same phrase ("" where there is none)."""

    hit: Hit
    text: Text
    lex: Lexicon
    know: Knowledge
    words: tuple[str, ...]
    doubt: float
    """How easily the form means something else, 0 to 1."""
    first: int
    last: int
    left: int | None
    right: int | None
    possessive: bool
    owned: bool
    """Somebody else's possessive stands before: "Acme's Peacock", "the nation's quest"."""
    before: str
    """The word on the left."""
    before_that: str
    after: str
    """The word on the right, behind a possessive s."""
    after_that: str

    @property
    def single(self) -> bool:
        return len(self.words) == 1

    @property
    def opens(self) -> int:
        """Where the name's first word of weight stands: a text may write the article of "The Post" small."""
        return self.first + (self.words[0] == "the" and not self.single)

    @property
    def geographic(self) -> bool:
        """Whether the name is also that of a place or its people."""
        return self.single and self.words[0] in self.lex["geographic"]

    @property
    def owned_far(self) -> bool:
        """Whether an owner stands before the word before: "the Acme chief's security strategy"."""
        far = self.first - 2
        return (
            self.left is not None
            and far > 0
            and self.text.tokens[far].norm == "s"
            and self.text.gap(far - 1, far) == "'"
        )

    @property
    def invented_initials(self) -> bool:
        """Whether the hit is initials that nobody gave us."""
        return self.hit.stripped and self.single and self.hit.surface.isupper() and len(self.hit.surface) <= 5

    @property
    def proper(self) -> bool:
        """Whether the name's own capital says that it is a name."""
        return self.text.proper(self.opens)

    @property
    def hyphen_left(self) -> bool:
        return self.left is not None and self.text.gap(self.left, self.first) == "-"

    @property
    def hyphen_right(self) -> bool:
        return not self.possessive and self.right is not None and self.text.gap(self.last, self.right) == "-"

    def parties(self, other: int) -> bool:
        """Whether a hyphen joins the name with another name: "the Acme-Globex deal"."""
        tokens = self.text.tokens
        if not self.text.capital(other) or not self.text.capital(self.first) or len(tokens[other].text) < 2:
            return False
        i = max(self.last, other)
        for _ in range(3):
            i += 1
            if not self.text.joined(i - 1, i):
                return False
            if tokens[i].norm in self.lex["after"] | self.lex["events"] | self.lex["topic_nouns"]:
                return True
        return False

    def earlier(self, size: int) -> set[str]:
        """The words that stand shortly before the name."""
        return {t.norm for t in self.text.tokens[max(0, self.first - size) : self.first]}

    @property
    def left_span(self) -> tuple[int, int]:
        return (self.hit.start if self.left is None else self.text.tokens[self.left].start, self.hit.end)

    @property
    def right_span(self) -> tuple[int, int]:
        return (self.hit.start, self.hit.end if self.right is None else self.text.tokens[self.right].end)

    @property
    def tail(self) -> str:
        """The text behind the name, as written."""
        return self.text.raw[self.hit.end : self.hit.end + 30]

    @property
    def head(self) -> str:
        """The text before the name, as written."""
        return self.text.raw[max(0, self.hit.start - 30) : self.hit.start]


Rule = Callable[[Spot], Finding | None]


def spot(profile: Profile, hit: Hit, text: Text) -> Spot:
    """Find the hit's words and its neighbours; a neighbour is joined by a blank or hyphen only."""
    tokens = text.tokens
    first = last = text.at(hit.start)
    while last + 1 < len(tokens) and tokens[last + 1].start < hit.end:
        last += 1
    possessive = False
    nxt = last + 1
    if nxt < len(tokens) and tokens[nxt].norm == "s" and text.gap(last, nxt) == "'":
        possessive, nxt = True, nxt + 1
    elif tokens[last].norm.endswith("s") and text.raw[hit.end : hit.end + 2] == "' ":
        possessive = "'" not in text.raw[: hit.start]
    left = first - 1 if text.joined(first - 1, first) else None
    right = None
    if nxt < len(tokens):
        clear = text.gap(nxt - 1, nxt).strip(" '") == "" if possessive else text.joined(nxt - 1, nxt)
        right = nxt if clear else None
    # "Acme's Coach": the s before the name belongs to the owner
    owned = bool(left and tokens[left].norm == "s" and text.gap(left - 1, left) == "'")
    if owned:
        left = None
    words = tuple(t.norm for t in tokens[first : last + 1])
    doubt = ambiguity(words)
    if hit.plural:
        doubt = max(doubt, ambiguity((singular(words[0]),)))
    know = knowledge(profile)
    if hit.surface.isupper() and len(hit.surface) <= 3 and hit.surface in know.spellings:
        # initials written as the profile writes them are hardly anything else
        doubt = min(doubt, 0.25)
    written = {s for s in know.spellings if s.lower() == hit.surface.lower()}
    if written and all(invented(s) for s in written) and hit.surface.istitle():
        # "Indigo" where the client writes IndiGo: the plain word as likely as the name
        doubt = max(doubt, 0.5 if zipf(words[0]) >= _WORD else 0.0)
    if hit.stripped:
        doubt = min(1.0, max(doubt + 0.2, 0.6))
    return Spot(
        hit=hit,
        text=text,
        lex=lexicon(),
        know=know,
        words=words,
        doubt=doubt,
        first=first,
        last=last,
        left=left,
        right=right,
        possessive=possessive,
        owned=owned,
        before=tokens[left].norm if left is not None else "",
        before_that=tokens[left - 1].norm if left and text.near(left - 1, left) else "",
        after=tokens[right].norm if right is not None else "",
        after_that=tokens[right + 1].norm if right is not None and right + 1 < len(tokens) else "",
    )


@dataclass
class Evidence:
    """Weights by name, and the spans they come from; `score` is their sum, 0 undecided."""

    hit: Hit
    parts: dict[str, float] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, found: Finding | None, span: tuple[int, int] | None) -> None:
        """Add what a rule found, if it found anything."""
        if found is None:
            return
        part, weight = found
        if weight == 0.0:
            return
        self.parts[part] = self.parts.get(part, 0.0) + weight
        if span is not None:
            self.spans[part] = span

    @property
    def score(self) -> float:
        return round(sum(self.parts.values()), 3)


def first_finding(rules: tuple[Rule, ...], at: Spot) -> Finding | None:
    """The answer of the first rule that has one."""
    for rule in rules:
        if (found := rule(at)) is not None:
            return found
    return None
