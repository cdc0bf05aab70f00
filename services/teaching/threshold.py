"""What a person's verdicts say about their threshold: a hint, which changes nothing until the person takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from models.accounts import stored_preference
from models.base import utc_now
from models.engine import reading
from models.feedback import FeedbackVerdict, relevance_of_verdicts
from models.scope import Scope
from services.preferences import Preferences, person_of

REMEMBERED = timedelta(days=90)
AT_LEAST = 3
"""Verdicts before anything is said: two may be chance."""
_STEPS = tuple(round(step * 0.05, 2) for step in range(1, 20))


@dataclass(frozen=True, slots=True)
class ThresholdHint:
    """A threshold that would have kept away what the person did not want, and nothing that was useful to them."""

    threshold: float
    now: float
    kept_away: int
    of: int
    """Items the person called not relevant."""

    @property
    def sentence(self) -> str:
        many = f"all {self.of}" if self.kept_away == self.of else f"{self.kept_away} of the {self.of} items"
        return (
            f"a threshold of {self.threshold:.2f} instead of {self.now:.2f} would have kept away {many} called not "
            "relevant lately, and nothing called useful"
        )


def threshold_hint(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> ThresholdHint | None:
    """What the person's verdicts of the last 90 days suggest; None while they say nothing clear. Reads only.

    Their own, or an admin's look. Items of clients with a threshold of their own say nothing about the general one.
    """
    at = now or utc_now()
    with reading(scope) as session:
        person_of(scope, session, user_id)
        stored = stored_preference(scope, session, user_id)
        said = relevance_of_verdicts(scope, session, user_id, at - REMEMBERED)
    bar = stored.relevance_threshold if stored else Preferences().threshold
    bad = [relevance for verdict, relevance in said if verdict is FeedbackVerdict.NOT_RELEVANT]
    good = [relevance for verdict, relevance in said if verdict is FeedbackVerdict.USEFUL]
    return suggested(bar, bad, good)


def suggested(bar: float, bad: Sequence[float], good: Sequence[float]) -> ThresholdHint | None:
    """The lowest threshold above ``bar`` that half of the ``bad`` lie below and none of the ``good``. Pure.

    What lies below ``bar`` already came before it was raised, and is no reason to raise it again.
    """
    bad = [one for one in bad if one >= bar]
    good = [one for one in good if one >= bar]
    if len(bad) < AT_LEAST:
        return None
    for step in _STEPS:
        if step <= bar or any(one < step for one in good):
            continue
        kept_away = sum(one < step for one in bad)
        if 2 * kept_away >= len(bad):
            return ThresholdHint(step, bar, kept_away, len(bad))
    return None
