"""The tenant's own patterns as the rules take them."""

from pydantic import ValidationError
from sqlmodel import Session

from models.patterns import CategoryPattern, patterns_in_force
from models.scope import Scope
from tasks.classify.rules import Pattern


def pattern_of(row: CategoryPattern) -> Pattern:
    """A stored pattern ready for the rules; ValueError when they cannot read it (any more)."""
    return Pattern(
        category=row.category,
        phrase=row.phrase,
        weight=row.weight,
        says=row.says,
        sentiment=row.sentiment,
        risk=row.risk,
        language=row.language,
    )


def own_patterns(scope: Scope, session: Session) -> tuple[tuple[Pattern, ...], tuple[str, ...]]:
    """The patterns in force, and the phrases of those that cannot be read: a word list they use may have gone.

    One unreadable phrase must not keep a tenant's news from being classified, and must not be silent either.
    """
    patterns, unreadable = [], []
    for row in patterns_in_force(scope, session):
        try:
            patterns.append(pattern_of(row))
        except ValidationError:
            unreadable.append(row.phrase)
    return tuple(patterns), tuple(unreadable)
