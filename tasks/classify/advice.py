"""What the events that matter most mean, and what one might do: by the rules, or by an AI that is in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID

from models.base import new_id
from tasks.classify.ai.insights import InsightCase
from tasks.classify.assemble import Draft, EventKey
from tasks.classify.batch import Batch
from tasks.classify.classifier import Classifier, RulesClassifier
from tasks.classify.opinions import may_be_asked_about, text_of
from tasks.classify.rules import INSIGHT_FROM, Insight, insight


@runtime_checkable
class Adviser(Protocol):
    """A classifier that can say what an event means, too."""

    def advise(self, cases: Sequence[InsightCase]) -> Mapping[UUID, Insight]:
        """Insights by case; for those left out the rules' stand."""
        ...


@dataclass(frozen=True, slots=True)
class Advice:
    """An insight, and whose it is."""

    insight: Insight
    engine: str


def advice_on(
    drafts: Mapping[EventKey, Draft], batch: Batch, classifier: Classifier | None
) -> dict[EventKey, Advice]:
    """For the events of relevance ``INSIGHT_FROM`` and more for which there is something to say."""
    found: dict[EventKey, Advice] = {}
    for key, draft in drafts.items():
        if draft.values["relevance"] < INSIGHT_FROM:
            continue
        said = insight(draft.lead.verdict, batch.clients[key[1]].name, title=draft.lead.article.title)
        if said is not None:
            found[key] = Advice(said, RulesClassifier.name)
    if classifier is None or not isinstance(classifier, Adviser):
        return found
    cases = {
        key: _case(batch, key, drafts[key])
        for key in found
        if may_be_asked_about(classifier, batch.clients[key[1]])
    }
    said_by_ai = classifier.advise(list(cases.values()))
    for key, case in cases.items():
        if case.key in said_by_ai:
            found[key] = Advice(said_by_ai[case.key], classifier.name)
    return found


def _case(batch: Batch, key: EventKey, draft: Draft) -> InsightCase:
    verdict = draft.lead.verdict
    return InsightCase(
        new_id(),
        batch.profiles[key[1]],
        text_of(draft.lead.article),
        draft.values["relevance"],
        batch.facts.get(key[1], {}),
        category=verdict.category,
        risk=verdict.risk,
        certainty=verdict.certainty,
    )
