"""The rules classifier: pure functions from texts to verdicts, relevance and insight."""

from tasks.classify.rules.categories import Category, Certainty, Risk, Verdict
from tasks.classify.rules.classify import classify_text, warm_up
from tasks.classify.rules.insight import INSIGHT_FROM, Insight, Urgency, insight
from tasks.classify.rules.language import detect_language
from tasks.classify.rules.patterns import MEASURED_LANGUAGES, Pattern
from tasks.classify.rules.phrases import PhraseError
from tasks.classify.rules.relevance import Relevance, RelevanceInput, relevance

__all__ = [
    "INSIGHT_FROM",
    "MEASURED_LANGUAGES",
    "Category",
    "Certainty",
    "Insight",
    "Pattern",
    "PhraseError",
    "Relevance",
    "RelevanceInput",
    "Risk",
    "Urgency",
    "Verdict",
    "classify_text",
    "detect_language",
    "insight",
    "relevance",
    "warm_up",
]
