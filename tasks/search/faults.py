"""How a fetch fails: typed, in one line that names the host and what to do, without secrets."""

from models.news import SourceState


class FetchError(Exception):
    """A fetch that failed. ``str()`` is one line for a person; ``state`` is failed or quota."""

    state = SourceState.FAILED

    def __init__(
        self, message: str, *, status: int | None = None, retry: bool = False, after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry = retry
        self.after = after
        """Seconds the host asked us to wait."""


class Unreachable(FetchError):
    """No connection, or none that held: tried again within bounds."""


class Refused(FetchError):
    """The host answered with an error status."""


class QuotaReached(FetchError):
    """The host, or our own slots, ask for more patience than a run has."""

    state = SourceState.QUOTA


class TooLarge(FetchError):
    """The answer is longer than ``http_max_bytes``."""


class WrongType(FetchError):
    """The answer is not the kind of document that was asked for."""


class UnsafeAddress(FetchError):
    """Not http(s), or a private address that nobody configured."""
