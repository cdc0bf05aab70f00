"""How new an event is to people who were already told of others at the same client."""

from collections.abc import Iterable
from datetime import timedelta

from rapidfuzz.fuzz import token_set_ratio
from rapidfuzz.utils import default_process

LOOK_BACK = timedelta(days=14)
"""What was told before is forgotten, or news again."""
_UNLIKE = 50.0
"""token_set_ratio of two headlines about one client that have only its name in common."""


def novelty(title: str, told: Iterable[str]) -> float:
    """1 when no headline told before is like this one, 0 when one says the same; symmetric and in 0..1."""
    nearest = max((token_set_ratio(title, other, processor=default_process) for other in told), default=0.0)
    return 1.0 - max(0.0, nearest - _UNLIKE) / (100.0 - _UNLIKE)
