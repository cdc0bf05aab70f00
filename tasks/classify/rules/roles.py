"""Which part a named company has in an event: buyer or bought, claimant or sued, investor or funded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasks.classify.rules.categories import Category
from tasks.classify.rules.phrases import CompiledPhrase, Vocabulary, compile_phrase
from tasks.classify.rules.text import Text

Role = Literal["buyer", "target", "seller", "claimant", "defendant", "investor"]

_NEAR = 4  # words between the name and what it does; further away somebody else may be meant


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Words that show the part of whoever is named `before` or `after` them."""

    category: Category
    role: Role
    name: Literal["before", "after"]
    phrases: tuple[CompiledPhrase, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any], vocabulary: Vocabulary) -> "RoleRule":
        """From a `[[role]]` of a language's file."""
        return cls(
            category=Category(row["category"]),
            role=row["role"],
            name=row["name"],
            phrases=tuple(compile_phrase(phrase, vocabulary) for phrase in row["phrases"]),
        )

    def fits(self, text: Text, start: int, end: int) -> bool:
        """Whether the name that takes up `canon[start:end]` has this part."""
        canon = text.canon
        for phrase in self.phrases:
            match = phrase.search(canon)
            if match is None:
                continue
            first, last = match.start() + 1, match.end()
            between = canon[end:first] if self.name == "before" else canon[last:start]
            apart = end <= first if self.name == "before" else last <= start
            if apart and len(between.split()) <= _NEAR and "|" not in between:
                return True
        return False


def role_of(text: Text, name: str, category: Category, rules: Sequence[RoleRule]) -> Role | None:
    """The part of the company called `name` in the event that `text` tells; None where the words do not say."""
    start, end = _place(text, name)
    if start < 0:
        return None
    for rule in rules:
        if rule.category is category and rule.fits(text, start, end):
            return rule.role
    return None


def _place(text: Text, name: str) -> tuple[int, int]:
    """(start, end) in `canon` of the name or of its longest beginning: headlines leave legal forms out."""
    words = text.reader.canonical(name).words
    for count in range(len(words), 0, -1):
        beginning = " ".join(words[:count])
        # The first word of a longer name must not be an article or an initial.
        if len(beginning) < 3 or beginning == "the":
            continue
        at = text.canon.find(f" {beginning} ")
        if at >= 0:
            return at + 1, at + 1 + len(beginning) + 1
    return -1, -1
