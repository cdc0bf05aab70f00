"""SIGTERM: the batch in hand is finished and committed, then the run stops; what is left is for its successor.

Prefect's own handler interrupts wherever the process stands, in the middle of a mail too. A second SIGTERM still does.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from types import FrameType
from typing import ParamSpec, TypeVar

from prefect.exceptions import TerminationSignal

from flows.pipeline import Stages

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Stop:
    """Whether somebody asked the process to stop, and whether it may at this moment."""

    in_batch: bool = False
    asked: bool = False

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """The handler: stop now, or once the batch in hand is done."""
        if self.in_batch and not self.asked:
            self.asked = True
            return
        raise TerminationSignal(signal=number)

    def after(self, step: Callable[P, R]) -> Callable[P, R]:
        """``step``, to be finished before the process stops."""

        def whole(*args: P.args, **kwargs: P.kwargs) -> R:
            self.in_batch = True
            try:
                return step(*args, **kwargs)
            finally:
                self.in_batch = False
                if self.asked:
                    raise TerminationSignal(signal=signal.SIGTERM)

        return whole

    def between(self, stages: Stages) -> Stages:
        """The stages, with every batch finished before the process stops."""
        return replace(stages, **{one.name: self.after(getattr(stages, one.name)) for one in fields(stages)})


@contextmanager
def batches_end_first() -> Iterator[Stop]:
    """While the block runs, SIGTERM waits for the batch in hand; where signals cannot be caught, nothing changes."""
    stop = Stop()
    try:
        before = signal.signal(signal.SIGTERM, stop.on_signal)
    except ValueError:  # not the main thread
        yield stop
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
