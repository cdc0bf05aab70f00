"""What a call's end says about the provider, for its circuit breaker: one policy for sources, CRMs and models."""

from models.breakers import Ended
from models.news import SourceState
from tasks.net.patience import Fault

_OF_THE_QUESTION = {400, 404, 406, 409, 410, 413, 414, 422}
"""Statuses that speak of what was asked: about another client the same provider answers well."""


def ended(error: BaseException | None, *, of_all: bool = False) -> Ended:
    """How a call ended that raised ``error``, or nothing.

    ``of_all``: what was asked for is all that the provider is asked for (a feed's address, a model), so that a status
    about the question is one about the provider.
    """
    if error is None:
        return Ended.ANSWERED
    if not isinstance(error, Fault) or error.state is SourceState.QUOTA:
        return Ended.UNDECIDED  # a fault of ours or of a plug-in, or no fault at all
    if (
        error.status is None
    ):  # else nobody was asked: a key or a setting is missing, or the answer was too long
        return Ended.FAILED if error.is_outage else Ended.UNDECIDED
    if error.status in _OF_THE_QUESTION and not of_all:
        return Ended.ANSWERED
    return Ended.FAILED
