"""A tenant's own category patterns: listed, tried against what came in, added and removed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from models.audit import record
from models.base import utc_now
from models.engine import reading, writing
from models.events import articles_of_events
from models.patterns import CategoryPattern, patterns_in_force
from models.scope import Scope
from services.accounts import lock_business, require_admin
from services.errors import UserError
from services.shortids import pick
from tasks.classify.own import own_patterns, pattern_of
from tasks.classify.rules import Pattern, PatternsError, classify_text, load_patterns
from tasks.classify.rules.patterns import MAX_PHRASES

TRIED_DAYS = 90
_TRIED_AT_MOST = 5_000  # a second or two of work; the newest say the most


class OwnPattern(BaseModel):
    """A stored pattern."""

    id: UUID
    category: str
    phrase: str
    weight: float
    says: str
    sentiment: float | None
    risk: str | None
    language: str
    created_at: datetime
    readable: bool
    """False: the rules' word lists have changed under it; it has no effect."""


class Change(BaseModel):
    """An event whose category the patterns would change."""

    title: str
    before: str
    after: str
    evidence: str


class Trial(BaseModel):
    """What patterns would do: to how many of the events of the last ``days`` days, and to which."""

    patterns: int
    tried: int
    days: int
    changes: list[Change]


def read_patterns(source: str | Mapping[str, object]) -> tuple[Pattern, ...]:
    """Patterns from TOML text or the same as a mapping; UserError names every faulty row."""
    try:
        patterns = load_patterns(source)
    except PatternsError as error:
        raise UserError("; ".join(str(error).splitlines()), "nothing was taken; mend these rows") from None
    if not patterns:
        raise UserError("there is no pattern in it", "a pattern needs a category and a phrase")
    return patterns


def list_patterns(scope: Scope) -> list[OwnPattern]:
    """The patterns in force, oldest first."""
    with reading(scope) as session:
        return [_told(row) for row in patterns_in_force(scope, session)]


def try_patterns(
    scope: Scope, patterns: Sequence[Pattern], *, days: int = TRIED_DAYS, now: datetime | None = None
) -> Trial:
    """Which events of the last ``days`` days would be put elsewhere with these patterns beside those in force."""
    since = (now or utc_now()) - timedelta(days=days)
    with reading(scope) as session:
        articles = articles_of_events(scope, session, since, limit=_TRIED_AT_MOST)
        current, _ = own_patterns(scope, session)
    together = (*current, *(p for p in patterns if p not in current))
    changes = []
    for article in articles:
        before = classify_text(article.title, article.snippet, extra=current)
        after = classify_text(article.title, article.snippet, extra=together)
        if before.category is not after.category:
            changes.append(
                Change(
                    title=article.title,
                    before=before.category.value,
                    after=after.category.value,
                    evidence=after.evidence,
                )
            )
    return Trial(patterns=len(patterns), tried=len(articles), days=days, changes=changes)


def add_patterns(scope: Scope, patterns: Sequence[Pattern]) -> list[OwnPattern]:
    """Store patterns; those that are there already are left as they are. Returns the new ones.

    The next run classifies with them.
    """
    require_admin(scope)
    with writing(scope) as session:
        lock_business(scope, session)
        known, _ = own_patterns(scope, session)
        new = [pattern for pattern in dict.fromkeys(patterns) if pattern not in known]
        stored = len(patterns_in_force(scope, session))
        if stored + len(new) > MAX_PHRASES:
            raise UserError(
                f"there are {stored} patterns already; {MAX_PHRASES} are the most", "remove some first"
            )
        rows = [_store(scope, session, pattern) for pattern in new]
        return [_told(row) for row in rows]


def remove_pattern(scope: Scope, given: str) -> OwnPattern:
    """Take the pattern whose id is, or ends in, ``given`` out of force; decisions it made stay."""
    require_admin(scope)
    with writing(scope) as session:
        rows = patterns_in_force(scope, session)
        row = pick(rows, given, "pattern", "client-monitor patterns list shows them")
        row.removed_at = utc_now()
        session.add(row)
        record(scope, session, "pattern.removed", str(row.id), phrase=row.phrase)
        return _told(row)


def _store(scope: Scope, session: Session, pattern: Pattern) -> CategoryPattern:
    row = CategoryPattern(business_id=scope.business, **pattern.model_dump())
    session.add(row)
    session.flush()
    record(
        scope, session, "pattern.added", str(row.id), category=pattern.category.value, phrase=pattern.phrase
    )
    return row


def _told(row: CategoryPattern) -> OwnPattern:
    try:
        pattern_of(row)
        readable = True
    except ValidationError:
        readable = False
    fields = row.model_dump(exclude={"business_id", "removed_at"})
    return OwnPattern(**fields | {"category": row.category.value}, readable=readable)
