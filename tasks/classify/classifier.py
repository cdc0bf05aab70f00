"""What a classifier is. A plug-in imports this module and nothing else of ours.

The rules judge everything first. A classifier that a tenant switched on then judges one article of each story and
client again, and what it says goes before the rules; what it leaves, the rules' verdict stands for.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic import Field as Bounds

from models.events import Category
from models.scope import Scope
from models.settings import Settings
from tasks.about import About, Field, KeyUse
from tasks.classify.rules import Certainty, Insight, Pattern, Risk, Urgency, Verdict, classify_text
from tasks.companies.names import Profile

__all__ = [
    "About",
    "Advised",
    "Case",
    "Category",
    "Certainty",
    "Classifier",
    "ClassifierContext",
    "ClassifierError",
    "Field",
    "Insight",
    "InsightCase",
    "Judgement",
    "KeyUse",
    "Outcome",
    "Part",
    "Pattern",
    "Profile",
    "Risk",
    "RulesClassifier",
    "Text",
    "Urgency",
    "Verdict",
]

Part = Literal["main", "passing", "no"]
"""The client's part in a story: its subject, only mentioned, or none (a namesake, or another thing of that name)."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is classified. It came from the web: data, never an instruction."""

    title: str
    snippet: str | None


class Judgement(BaseModel):
    """What a classifier says of one story for one client; values out of range are refused when it is made."""

    model_config = ConfigDict(frozen=True)

    about: Part = "main"
    category: Category
    confidence: float = Bounds(ge=0, le=1, allow_inf_nan=False)
    """In the category."""
    relevance: float = Bounds(ge=0, le=1, allow_inf_nan=False)
    """How much somebody who looks after the client needs to know it, by the text alone."""
    sentiment: float = Bounds(default=0.0, ge=-1, le=1, allow_inf_nan=False)
    """For the client."""
    risk: Risk = "none"
    evidence: str = ""
    """The words of the text that decided."""
    reason: str = ""
    """A sentence for a person."""


@dataclass(frozen=True, slots=True)
class Case:
    """One story for one client, by the article that speaks for it."""

    key: UUID
    """Under which the answer is given."""
    profile: Profile
    """The client as the public knows it."""
    text: Text
    by_rules: Judgement
    """What stands when the classifier says nothing better."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """The CRM's fields about the client that the tenant allows to be sent; empty by default."""

    @property
    def promise(self) -> float:
        """Its relevance by the rules: the best go first when money or time is short."""
        return self.by_rules.relevance


@dataclass(slots=True)
class Outcome:
    """What came of the cases. One that is in neither is left to the rules as it should be: nothing went wrong."""

    judged: dict[UUID, Judgement] = field(default_factory=dict)
    left: dict[UUID, str] = field(default_factory=dict)
    """Cases that should have been judged and were not, with a short code that says why (``ai_budget``)."""
    cached: int = 0
    """Judged from before, without a call."""
    calls: int = 0
    trouble: str = ""
    """The first thing that went wrong, in a line for a person, without secrets."""
    bill: str = ""
    """What the calls cost, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightCase:
    """An event of a client, by the article that stands for it, and what it was judged to be."""

    key: UUID
    """Under which the answer is given."""
    profile: Profile
    text: Text
    promise: float = 0.0
    """Its relevance."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """As a Case's."""
    category: Category
    risk: Risk
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Advised:
    """What came of events that were asked about; for those left out the rules' insight stands."""

    insights: Mapping[UUID, Insight]
    """By case."""
    trouble: str = ""
    """Why some were left out, in a line for a person, without secrets."""


class ClassifierError(RuntimeError):
    """The classifier cannot be used as it is set up, or was tried and failed. One line a person can act on."""


@dataclass(frozen=True, slots=True)
class ClassifierContext:
    """What a classifier may use."""

    scope: Scope
    settings: Settings
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    """By the names of ``about.fields``; ``key`` where it needs one: the tenant's own, else the deployment's."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the tenant filled in that is no secret."""
    has_own_key: bool = False
    """The key is the tenant's own: what it costs is the tenant's to decide, and it may go where the tenant says."""
    job_run_id: UUID | None = None
    """The run it is asked for, where there is one."""
    is_trial: bool = False
    """Somebody tries it out: it is asked whatever its circuit breaker says."""


class Classifier(Protocol):
    """Judges stories for clients. Made once a batch, outside of any transaction; called from one thread."""

    about: ClassVar[About]
    """With a ``recipient``, clients marked confidential are never among the cases."""

    @property
    def name(self) -> str:
        """As its entry point has it."""
        ...

    @property
    def version(self) -> str:
        """What a judgement depends on beside the case, in at most 60 characters; stored with each decision."""
        ...

    def __init__(self, context: ClassifierContext) -> None:
        """ClassifierError when it cannot work as it is set up."""
        ...

    def judge(self, cases: Sequence[Case]) -> Outcome:
        """Judge what it can, the most promising first when it cannot judge all; nothing is raised for one case."""
        ...


class RulesClassifier:
    """The base under every classifier: no key, no network, the same answer every time. It judges texts alone."""

    name: ClassVar[str] = "rules"
    about: ClassVar[About] = About(title="Rules", recipient="", sends="nothing leaves the house")
    version: str = "3"

    def __init__(self, own: Sequence[Pattern] = ()) -> None:
        """``own`` are the tenant's patterns; ``version`` names them, too."""
        self._own = tuple(own)
        if self._own:
            self.version = f"{self.version}+{patterns_version(self._own)}"

    def classify(self, texts: Sequence[Text]) -> list[Verdict]:
        """What kind of event each text tells, in order. The company match is not its business."""
        return [classify_text(text.title, text.snippet, extra=self._own) for text in texts]


def patterns_version(own: Sequence[Pattern]) -> str:
    """A short name for a set of patterns: the same for the same set in any order."""
    told = "\n".join(sorted(pattern.model_dump_json() for pattern in own))
    return f"own.{hashlib.sha256(told.encode()).hexdigest()[:8]}"
