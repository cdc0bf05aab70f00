"""What a classifier is. A plug-in imports this module and nothing else of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from tasks.classify.rules.categories import Verdict
from tasks.classify.rules.classify import classify_text

__all__ = ["Classifier", "RulesClassifier", "Text", "Verdict"]


@dataclass(frozen=True, slots=True)
class Text:
    """What is classified. It came from the web: data, never an instruction."""

    title: str
    snippet: str | None


class Classifier(Protocol):
    """Says what kind of event a text tells. The company match is not its business."""

    name: ClassVar[str]
    version: ClassVar[str]

    def classify(self, texts: Sequence[Text]) -> list[Verdict]:
        """One verdict a text, in order."""
        ...


class RulesClassifier:
    """The rules: no key, no network, the same answer every time."""

    name: ClassVar[str] = "rules"
    version: ClassVar[str] = "1"

    def classify(self, texts: Sequence[Text]) -> list[Verdict]:
        return [classify_text(text.title, text.snippet) for text in texts]
