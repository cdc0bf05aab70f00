"""A sender that dies: ``python victim.py BUSINESS RUN STEP TRANSPORT`` filters, plans and sends until STEP. With
``flow`` for the transport it is the body of the flow that does so, over SMTP.

The steps in here kill the process with SIGKILL; at others it is the mail server that does. Production code has no
hooks: what is wrapped is wrapped from outside.
"""

import os
import signal
import smtplib
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models.settings import get_settings
from tasks.filter.stage import filter_batch
from tasks.notify import claim, outbox, planning, stage
from tasks.notify.transports import file, smtp
from tasks.plan import RunPlan, StageReport

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies_before(module: Any, name: str) -> None:
    setattr(module, name, die)


def dies_after(module: Any, name: str) -> None:
    real = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        die()

    setattr(module, name, wrapped)


def half_a_body(self: smtplib.SMTP, data: Any) -> None:
    if isinstance(data, bytes) and len(data) > 1000:
        assert self.sock is not None
        self.sock.sendall(data[: len(data) // 2])
        die()
    real_send(self, data)


real_send = smtplib.SMTP.send
STEPS = {
    "before intent": lambda: dies_before(planning, "insert_rows"),
    "in intent": lambda: dies_after(planning, "insert_rows"),
    "after intent": lambda: dies_before(stage, "send_due"),
    "rendered": lambda: dies_after(claim, "final_bytes"),
    "stored": lambda: dies_after(claim, "insert_rows"),
    "claimed": lambda: dies_before(outbox, "_attempt"),
    "half a file": lambda: dies_before(file.os, "fsync"),
    "half a message": lambda: setattr(smtplib.SMTP, "send", half_a_body),
    "answered": lambda: dies_before(outbox, "_settle"),
}


def main() -> None:
    business, run, step, name = sys.argv[1:]
    plan = RunPlan(business_id=UUID(business), job_run_id=UUID(run), as_of=NOW)
    settings = get_settings()
    if name == "flow":
        from flows.send_digests import run_tick

        def send(business_id: UUID, now: datetime) -> StageReport:
            return stage.digest_batch(business_id, now, transport=smtp.SmtpTransport(settings))

        filter_batch(plan, 100)
        run_tick([plan.business_id], NOW, send=send, look=lambda *_: StageReport(stage="watch"))
        return
    transport = file.FileTransport(settings) if name == "file" else smtp.SmtpTransport(settings)
    STEPS.get(step, lambda: None)()
    filter_batch(plan, 100)
    stage.digest_batch(plan.business_id, NOW, transport=transport)


if __name__ == "__main__":
    main()
