"""What a classifier is. A plug-in imports this module and nothing else of ours."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tasks.classify.rules import Pattern, Verdict, classify_text

__all__ = ["Classifier", "Pattern", "RulesClassifier", "Text", "Verdict"]


@dataclass(frozen=True, slots=True)
class Text:
    """What is classified. It came from the web: data, never an instruction."""

    title: str
    snippet: str | None


class Classifier(Protocol):
    """Says what kind of event a text tells. The company match is not its business.

    ``own`` are the tenant's patterns. ``version`` names everything a verdict depends on, the tenant's patterns too:
    it is stored with each decision.
    """

    name: ClassVar[str]
    version: str

    def __init__(self, own: Sequence[Pattern] = ()) -> None: ...

    def classify(self, texts: Sequence[Text]) -> list[Verdict]:
        """One verdict a text, in order."""
        ...


class RulesClassifier:
    """The rules: no key, no network, the same answer every time."""

    name: ClassVar[str] = "rules"
    version: str = "3"

    def __init__(self, own: Sequence[Pattern] = ()) -> None:
        self._own = tuple(own)
        if self._own:
            self.version = f"{self.version}+{patterns_version(self._own)}"

    def classify(self, texts: Sequence[Text]) -> list[Verdict]:
        return [classify_text(text.title, text.snippet, extra=self._own) for text in texts]


def patterns_version(own: Sequence[Pattern]) -> str:
    """A short name for a set of patterns: the same for the same set in any order."""
    told = "\n".join(sorted(pattern.model_dump_json() for pattern in own))
    return f"own.{hashlib.sha256(told.encode()).hexdigest()[:8]}"
