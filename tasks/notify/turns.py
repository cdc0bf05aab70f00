"""When a transport may be used next: its rate, shared by every process, and the rest it asked for."""

import time
from collections.abc import Callable

from models.base import utc_now
from models.engine import reading
from models.limits import held_until
from models.scope import Scope
from tasks.net.faults import QuotaReached
from tasks.net.pace import Pace, leave_alone, take_turn
from tasks.notify.transports.transport import Transport


class Turns:
    """The turns of one transport's account. They go by the machine's clock, whatever the run's is."""

    def __init__(self, transport: Transport, *, sleep: Callable[[float], None] = time.sleep) -> None:
        limits = transport.limits
        interval = 1 / limits.per_second if limits.per_second else 0.0
        self._pace = Pace(f"mail:{transport.name}", interval, limits.account)
        self._who = transport.about.title
        self._sleep = sleep

    def closed(self) -> str:
        """Why nothing may be sent now, or nothing."""
        with reading(Scope.operator()) as session:
            until = held_until(session, self._pace.provider, self._pace.credential)
        if until is None or until <= utc_now():
            return ""
        return f"{self._who}: left alone until {until:%Y-%m-%d %H:%M} UTC, as it asked"

    def wait(self) -> str:
        """Wait for the next turn; why there is none before long, or nothing."""
        if not self._pace.interval_seconds:
            return ""
        try:
            take_turn(self._pace, self._who, now=utc_now, sleep=self._sleep)
        except QuotaReached as reached:
            return str(reached)
        return ""

    def rest(self, seconds: float) -> None:
        """Nobody uses the account for so long."""
        leave_alone(self._pace, seconds, now=utc_now())
