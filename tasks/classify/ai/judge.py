"""Judging with a model: is a story about the client, what kind of event is it, and how much does it matter."""

from collections.abc import Sequence
from typing import Any, ClassVar

from tasks.classify.ai import prompt as prompts
from tasks.classify.ai.answers import Answers, StoryAnswer, judgement_fault, occurs, tidy, unfit_for_mail
from tasks.classify.ai.asking import Asking, Case, Outcome, Question
from tasks.classify.ai.model import Prompt
from tasks.classify.classifier import Judgement, Text


class Judging(Question[Case, StoryAnswer]):
    purpose: ClassVar[str] = "classify"
    version: ClassVar[str] = prompts.VERSION
    form = Answers
    part = StoryAnswer

    def said_of(self, case: Case) -> dict[str, Any]:
        return {
            "client": prompts.client_data(case.profile, case.facts),
            "story": prompts.story_data(case.text),
        }

    def prompt(self, cases: Sequence[Case]) -> Prompt:
        return prompts.build(cases[0].profile, [case.text for case in cases], cases[0].facts)

    def fault(self, answer: StoryAnswer, case: Case) -> str:
        if unfit := unfit_for_mail(answer.reason, case.profile):
            return f"reason: {unfit}"
        return judgement_fault(answer, case.text)

    def tidy(self, answer: StoryAnswer) -> StoryAnswer:
        return tidy(answer)


def judge(asking: Asking, cases: Sequence[Case]) -> Outcome[StoryAnswer]:
    """Every case is in ``answers`` or in ``left``."""
    return asking.about(Judging(), cases)


def judgement_of(answer: StoryAnswer, text: Text) -> Judgement:
    """A checked answer as every classifier gives it. Words that are not in the text are no evidence."""
    return Judgement(
        about=answer.about,
        category=answer.category,
        confidence=answer.confidence,
        relevance=answer.relevance,
        sentiment=answer.sentiment,
        risk=answer.risk,
        evidence=answer.evidence if occurs(answer.evidence, text) else "",
        reason=answer.reason,
    )
