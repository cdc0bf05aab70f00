"""The rules classifier: pure functions from texts to verdicts, relevance and insight."""

from tasks.classify.rules.categories import Category, Certainty, Risk, Verdict
from tasks.classify.rules.classify import classify_text, warm_up
from tasks.classify.rules.groups import PatternProblem, PatternsError
from tasks.classify.rules.insight import INSIGHT_FROM, Insight, Urgency, insight
from tasks.classify.rules.language import detect_language
from tasks.classify.rules.languages import Language, Languages, builtin_languages, load_languages
from tasks.classify.rules.patterns import Pattern, load_patterns
from tasks.classify.rules.phrases import PhraseError
from tasks.classify.rules.relevance import Relevance, RelevanceInput, relevance

__all__ = [
    "INSIGHT_FROM",
    "Category",
    "Certainty",
    "Insight",
    "Language",
    "Languages",
    "Pattern",
    "PatternProblem",
    "PatternsError",
    "PhraseError",
    "Relevance",
    "RelevanceInput",
    "Risk",
    "Urgency",
    "Verdict",
    "builtin_languages",
    "classify_text",
    "detect_language",
    "insight",
    "load_languages",
    "load_patterns",
    "relevance",
    "warm_up",
]
