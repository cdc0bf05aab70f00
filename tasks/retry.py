"""When a task may be tried again: the database was locked or away. Never for bad input or a refusal."""

from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# PostgreSQL: serialization failure, deadlock, lock not available; classes 08 (connection) and 57P (shutdown)
# by prefix.
_RETRYABLE_STATES = {"40001", "40P01", "55P03"}
_RETRYABLE_PREFIXES = ("08", "57P")
_SQLITE_WORDS = ("database is locked", "database table is locked", "database is busy", "disk i/o error")
_CONNECTION_WORDS = (
    "connection refused",
    "connection failed",
    "could not connect",
    "server closed the connection",
    "connection is closed",
    "the connection is lost",
    "connection timeout",
    "too many clients",
    "consuming input failed",
)


def is_transient(error: BaseException) -> bool:
    """Whether the same work is likely to succeed when it is simply done again."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in _RETRYABLE_STATES or state.startswith(_RETRYABLE_PREFIXES):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    said = str(error.orig).lower()
    return any(words in said for words in (*_SQLITE_WORDS, *_CONNECTION_WORDS))


def retry_transient(_task: Any, _task_run: Any, state: Any) -> bool:
    """Prefect's ``retry_condition_fn``: retry when the task's exception ``is_transient``."""
    try:
        state.result()
    except BaseException as error:
        return is_transient(error)
    return False
