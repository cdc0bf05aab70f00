"""SIGTERM, really sent: the batch in hand ends, then the run stops."""

import os
import signal
from collections.abc import Iterator

import pytest
from prefect.exceptions import TerminationSignal

from flows.pipeline import Stages
from flows.stopping import Stop, batches_end_first
from tasks.plan import StageReport


@pytest.fixture
def stop() -> Iterator[Stop]:
    before = signal.getsignal(signal.SIGTERM)
    with batches_end_first() as made:
        yield made
    assert signal.getsignal(signal.SIGTERM) is before


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_batch_is_finished_before_the_run_stops(stop: Stop) -> None:
    done: list[str] = []

    def batch() -> None:
        terminate()
        done.append("committed")

    with pytest.raises(TerminationSignal):
        stop.after(batch)()
    assert done == ["committed"]


def test_between_batches_it_stops_at_once(stop: Stop) -> None:
    with pytest.raises(TerminationSignal):
        terminate()


def test_a_second_signal_interrupts_the_batch(stop: Stop) -> None:
    done: list[str] = []

    def batch() -> None:
        terminate()
        terminate()
        done.append("committed")

    with pytest.raises(TerminationSignal):
        stop.after(batch)()
    assert done == []


def test_every_stage_is_guarded_and_says_what_it_said(stop: Stop) -> None:
    plain = Stages(filter=lambda _plan, limit: StageReport(stage="filter", done=limit))
    guarded = stop.between(plain)
    assert guarded.filter(None, 7).done == 7  # type: ignore[arg-type]  # the stage here looks at no plan
    assert all(getattr(guarded, name) is not getattr(plain, name) for name in Stages.__slots__)
