"""A check is data: what was looked at, how it stands, and how to mend it."""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    """It works, but not as somebody will expect one day."""
    FAIL = "fail"


class Check(BaseModel):
    """One thing looked at. ``mend`` is empty when there is nothing to do; no sentence holds a secret."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    message: str
    mend: str = ""

    @classmethod
    def ok(cls, name: str, message: str) -> "Check":
        """It is as it should be."""
        return cls(name=name, state=State.OK, message=message)

    @classmethod
    def warning(cls, name: str, message: str, mend: str) -> "Check":
        """It works, with a catch."""
        return cls(name=name, state=State.WARN, message=message, mend=mend)

    @classmethod
    def failed(cls, name: str, message: str, mend: str) -> "Check":
        """It does not work."""
        return cls(name=name, state=State.FAIL, message=message, mend=mend)


def worst(checks: Sequence[Check]) -> State:
    """The state of the whole."""
    states = {check.state for check in checks}
    return State.FAIL if State.FAIL in states else State.WARN if State.WARN in states else State.OK
