"""Several mails on their way at the same time: threads that each claim a delivery of their own and hand it over.

The threads wait for servers, not for one another; how many there may be is the transport's to say. Each finishes what
it has begun, whatever happens to the others: a mail in transmission is never torn.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import add
from threading import Event, Lock

from models.events import Stage
from tasks.notify.sender import Claim
from tasks.notify.transports.transport import Transport
from tasks.notify.turns import Turns
from tasks.plan import StageReport

Job = Callable[[], tuple[Claim | None, StageReport]]
"""Claims one delivery; without a claim its report says what came of it."""
Attempt = Callable[[Claim, Turns], StageReport]
"""Hands a claimed mail over, once, and writes down how that ended."""


class Lanes:
    """Works jobs off, in as many threads as the transport may be called by."""

    def __init__(self, transport: Transport, attempt: Attempt) -> None:
        self._attempt = attempt
        self._turns = Turns(transport)
        self._connections = transport.limits.connections
        self._stop = Event()
        self._lock = Lock()

    def work(self, jobs: Sequence[Job]) -> StageReport:
        """What came of the jobs. After an "unavailable" none is begun: they would wait at the same closed door."""
        closed = self._turns.closed()
        if closed:
            return _unavailable(closed)
        rest = iter(jobs)
        count = min(self._connections, len(jobs))
        if count <= 1:
            return self._lane(rest.__next__)

        def following() -> Job:
            with self._lock:
                return next(rest)

        with ThreadPoolExecutor(count, thread_name_prefix="mail") as pool:
            lanes = [pool.submit(self._lane, following) for _ in range(count)]
            return reduce(add, (lane.result() for lane in lanes))

    def _lane(self, following: Callable[[], Job]) -> StageReport:
        report = StageReport(stage=Stage.NOTIFY.value)
        try:
            while not self._stop.is_set() and "unavailable" not in report.counts:
                try:
                    job = following()
                except StopIteration:
                    return report
                # Before the claim, so that nobody is left unknown who only waited for a turn.
                closed = self._turns.wait()
                if closed:
                    report += _unavailable(closed)
                    break
                if self._stop.is_set():
                    break
                claim, said = job()
                report += said
                if claim is not None:
                    report += self._attempt(claim, self._turns)
        except BaseException:
            self._stop.set()
            raise
        if "unavailable" in report.counts:
            self._stop.set()
        return report


def _unavailable(why: str) -> StageReport:
    return StageReport(stage=Stage.NOTIFY.value, counts={"unavailable": 1}, degraded=(why,))
