"""What the events that matter most mean, and what one might do: by the rules, or by an AI that is in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from models.base import new_id
from tasks.classify.assemble import Draft, EventKey
from tasks.classify.batch import Batch
from tasks.classify.classifier import Advised, Classifier, InsightCase, RulesClassifier
from tasks.classify.opinions import REASON_MAX, TROUBLE_MAX, may_be_asked_about, text_of
from tasks.classify.rules import INSIGHT_FROM, Insight, insight
from tasks.crashes import crashed
from tasks.search.text import clean


@runtime_checkable
class Adviser(Protocol):
    """A classifier that can say what an event means, too."""

    def advise(self, cases: Sequence[InsightCase]) -> Advised:
        """Say what it can of these events."""
        ...


@dataclass(frozen=True, slots=True)
class Advice:
    """An insight, and whose it is."""

    insight: Insight
    engine: str


@dataclass(frozen=True, slots=True)
class Advices:
    """The insights of a batch's events."""

    found: Mapping[EventKey, Advice]
    asked: int = 0
    """Events that somebody else than the rules was asked about."""
    by_others: int = 0
    """Those of them that it said something of."""
    degraded: tuple[str, ...] = ()
    """What did not work, named for a person."""

    @property
    def counts(self) -> dict[str, int]:
        """For the stage's report; empty where only the rules advised."""
        if not self.asked:
            return {}
        left = self.asked - self.by_others
        return {"ai_insights": self.by_others} | ({"ai_insights_left": left} if left else {})


def advice_on(drafts: Mapping[EventKey, Draft], batch: Batch, classifier: Classifier | None) -> Advices:
    """For the events of relevance ``INSIGHT_FROM`` and more for which there is something to say."""
    found: dict[EventKey, Advice] = {}
    for key, draft in drafts.items():
        if draft.values["relevance"] < INSIGHT_FROM:
            continue
        said = insight(draft.lead.verdict, batch.clients[key[1]].name, title=draft.lead.article.title)
        if said is not None:
            found[key] = Advice(said, RulesClassifier.name)
    if classifier is None or not isinstance(classifier, Adviser):
        return Advices(found)
    cases = {
        key: _case(batch, key, drafts[key])
        for key in found
        if may_be_asked_about(classifier, batch.clients[key[1]])
    }
    advised = _advised(classifier, classifier.name, list(cases.values()))
    said_of = {key: advised.insights[case.key] for key, case in cases.items() if case.key in advised.insights}
    found |= {key: Advice(said, classifier.name) for key, said in said_of.items()}
    trouble = advised.trouble
    degraded = (f"AI {classifier.name}: {trouble}; the rules advised instead",) if trouble else ()
    return Advices(found, len(cases), len(said_of), degraded)


def _fit_to_keep(advised: Advised) -> Advised:
    """The same, with words as the database can hold them and people can read them."""
    fit = {
        key: Insight(
            meaning=clean(said.meaning, REASON_MAX),
            actions=tuple(clean(action, REASON_MAX) for action in said.actions),
            urgency=said.urgency,
        )
        for key, said in advised.insights.items()
    }
    return Advised(fit, clean(advised.trouble, TROUBLE_MAX))


def _advised(adviser: Adviser, name: str, cases: Sequence[InsightCase]) -> Advised:
    """What it came to; when it breaks, nothing."""
    try:
        return _fit_to_keep(adviser.advise(cases)) if cases else Advised({})
    except Exception as error:
        return Advised({}, crashed("classifier", name, error))


def _case(batch: Batch, key: EventKey, draft: Draft) -> InsightCase:
    verdict = draft.lead.verdict
    return InsightCase(
        key=new_id(),
        profile=batch.profiles[key[1]],
        text=text_of(draft.lead.article),
        promise=draft.values["relevance"],
        facts=batch.facts.get(key[1], {}),
        category=verdict.category,
        risk=verdict.risk,
        certainty=verdict.certainty,
    )
