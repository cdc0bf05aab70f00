"""When providers shut models down, as their deprecation pages said in November 2026."""

import re
from datetime import date

ENDS = {
    "gpt-3.5-turbo": date(2026, 10, 23),
    "gpt-4-turbo": date(2026, 10, 23),
    "gpt-4.1-nano": date(2026, 10, 23),
    "o4-mini": date(2026, 10, 23),
    "claude-sonnet-4-5": date(2026, 11, 30),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "o3": date(2026, 12, 11),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-5.1": date(2027, 4, 1),
    "gpt-5.4-nano": date(2027, 4, 1),
}

# OpenAI dates a version -2026-08-06 or -0613, Anthropic -20260806.
_VERSION = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$")


def family(model: str) -> str:
    """A model's name without the date of its version: ``gpt-4o`` of ``gpt-4o-2024-08-06``, never of ``gpt-4o-mini``."""
    return _VERSION.sub("", model.strip())


def end_of(model: str) -> date | None:
    """The first day on which the model, or its dated version, answers no more; None: no end is announced."""
    return ENDS.get(family(model))
