"""Mails a second through the outbox, as a ratio to a bare smtplib loop with the same bytes and the same server.

The server is aiosmtpd in a process of its own, which answers and forgets. Measured in one process and database, one
after the other:

- ``bare``: one connection, ``sendmail`` in a loop: what this server takes; half of it after each of the others, so that
  a machine that is busy for a while is so for both;
- ``written``: deliveries planned and due; each is rechecked, rendered, stored, committed, sent and committed;
- ``stored``: the same deliveries after an outage, their bytes fixed already; each is rechecked, committed, sent and
  committed.
"""

import argparse
import json
import multiprocessing
import smtplib
import socket
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.console import finish, show, steps
from benchmarks.machine import Stopwatch, facts, fresh_folder, measured

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
CLIENTS = 12
ITEMS = 10


def main(arguments: Sequence[str]) -> None:
    """One measurement in a fresh process and database."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks sending", description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=2, help="CM_MAIL_CONNECTIONS")
    asked = parser.parse_args(arguments)
    with steps(1) as step, fresh_folder() as (_folder, env):
        step(f"{asked.mails:,} mails")
        env["CM_MAIL_CONNECTIONS"] = str(asked.connections)
        found = measured("benchmarks.sending", str(asked.mails), env=env)
    rows = [
        (name, f"{found[name]['mails_per_second']:.0f}", f"{found[name]['ratio']:.2f}")
        for name in ("bare", "written", "stored")
    ]
    show(("how", "mails/s", "ratio to bare"), rows, "Mails a second")
    finish({"machine": facts(), **found})


def work(mails: int) -> dict[str, Any]:
    """Plan so many digests, send them twice and barely once; figures of each."""
    from models.settings import get_settings

    watch = Stopwatch()
    scope = populate(mails)
    with sink() as port:
        aim(port)
        with watch.of("written"):
            send_all(scope, mails)
        bodies = stored(scope)
        with watch.of("bare"):
            bare(port, bodies[::2])
        back_to_due(scope)
        with watch.of("stored"):
            send_all(scope, mails)
        with watch.of("bare"):
            bare(port, bodies[1::2])
    spent = watch.spent
    return {
        "mails": mails,
        "connections": get_settings().mail_connections,
        "bytes": round(sum(len(body) for _, body in bodies) / mails),
        **{
            name: {
                "seconds": spent[name].wall,
                "cpu": spent[name].cpu,
                "mails_per_second": mails / spent[name].wall,
                "ratio": spent["bare"].wall / spent[name].wall,
            }
            for name in ("bare", "written", "stored")
        },
    }


def populate(mails: int) -> Any:
    """A tenant whose news of one day makes a digest of ITEMS items for each of ``mails`` people, planned and due."""
    from models.accounts import User, UserPreference, UserState
    from models.base import new_id
    from models.clients import Client, Tier
    from models.clock import FixedClock
    from models.engine import writing
    from models.jobs import JobRun, JobType
    from models.scope import Role, Scope
    from services.accounts import create_business
    from services.setup import ensure_schema
    from tasks.filter.stage import filter_batch
    from tasks.notify.planning import plan_digests
    from tasks.plan import RunPlan

    ensure_schema()
    business = create_business("bench", "Benchmark")
    scope = Scope.system(business.id)
    with writing(scope) as session:
        clients = [
            Client(business_id=business.id, name=f"Client {number}", tier=Tier.GROWTH)
            for number in range(CLIENTS)
        ]
        session.add_all(clients)
        run = JobRun(business_id=business.id, job_type=JobType.CLIENT_MONITORING, as_of=NOW)
        session.add(run)
        session.flush()
        people = [new_id() for _ in range(mails)]
        session.add_all(
            User(
                id=user,
                business_id=business.id,
                email=f"person-{number}@example.com",
                name=f"Person {number}",
                role=Role.MANAGER,
                state=UserState.ACTIVE,
            )
            for number, user in enumerate(people)
        )
        session.flush()
        session.add_all(
            UserPreference(business_id=business.id, user_id=user, assigned_clients_only=False)
            for user in people
        )
        _news(session, scope, [client.id for client in clients])
    plan = RunPlan(business_id=business.id, job_run_id=run.id, as_of=NOW)
    while filter_batch(plan, 2).done:
        pass
    while plan_digests(scope, NOW, clock=FixedClock(NOW)).done:
        pass
    return scope


def _news(session: Any, scope: Any, clients: Sequence[Any]) -> None:
    from models.base import new_id
    from models.events import Category, Event
    from models.news import Article, Story

    at = NOW - timedelta(hours=3)
    for number in range(ITEMS):
        title = f"Client {number} raises {40 + number} million to build its second plant in the north of the country"
        story = Story(business_id=scope.business, title=title, first_at=at, last_at=at, outlet_count=3)
        session.add(story)
        session.flush()
        article = Article(
            business_id=scope.business,
            identity=new_id().hex,
            url=f"https://news.example/2026/03/10/client-{number}-raises-{40 + number}-million",
            title=title,
            source="The Example",
            published_at=at,
            first_seen_at=at,
            story_id=story.id,
        )
        session.add(article)
        session.flush()
        session.add(
            Event(
                business_id=scope.business,
                story_id=story.id,
                client_id=clients[number],
                article_id=article.id,
                title=title,
                category=Category.FUNDING,
                relevance=0.8 - number / 100,
                sentiment=0.2,
                confidence=0.9,
                reason="it is named in the headline, and raises money",
                summary="The round is led by its present owners, and the plant is to open in two years.",
                published_at=at,
                happened_at=at,
            )
        )


def send_all(scope: Any, mails: int) -> None:
    """The outbox's own batches, as a tick sends them."""
    from models.clock import FixedClock
    from models.settings import get_settings
    from tasks.notify.outbox import send_due
    from tasks.notify.stage import SEND_BATCH
    from tasks.notify.transports.smtp import SmtpTransport

    sent = 0
    while sent < mails:
        report = send_due(scope, NOW, SmtpTransport(get_settings()), limit=SEND_BATCH, clock=FixedClock(NOW))
        sent += report.counts.get("sent", 0)
        if report.counts.get("sent", 0) != report.done or not report.done:
            raise RuntimeError(f"the run is no measure: {report}")


def back_to_due(scope: Any) -> None:
    """As if the server had been down: bytes are stored, nothing was accepted."""
    from sqlalchemy import update

    from models.engine import writing
    from models.mail import Delivery, DeliveryState, Notification, NotificationState

    with writing(scope) as session:
        idle = {"lease_holder": None, "lease_expires_at": None, "sent_at": None, "provider_id": None}
        session.execute(update(Delivery).values(state=DeliveryState.INTENT, **idle))
        session.execute(update(Notification).values(state=NotificationState.ATTACHED))


def stored(scope: Any) -> list[tuple[str, bytes]]:
    """Every mail's recipient and bytes."""
    from sqlmodel import col, select

    from models.engine import reading
    from models.mail import Delivery, EmailBody

    with reading(scope) as session:
        rows = session.exec(
            select(Delivery.recipient, EmailBody.mime).join(
                EmailBody, col(EmailBody.delivery_id) == Delivery.id
            )
        ).all()
    return [(recipient, zlib.decompress(packed)) for recipient, packed in rows]


def bare(port: int, bodies: Sequence[tuple[str, bytes]]) -> None:
    """What a script would do."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as server:
        for recipient, body in bodies:
            server.sendmail("monitor@localhost", [recipient], body)


def aim(port: int) -> None:
    """Let the settings lead to this server."""
    import os

    from models.settings import get_settings

    os.environ |= {"CM_SMTP_PORT": str(port), "CM_SMTP_HOST": "127.0.0.1", "CM_SMTP_SECURITY": "none"}
    get_settings.cache_clear()


@contextmanager
def sink() -> Iterator[int]:
    """An SMTP server in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,), daemon=True)
    process.start()
    try:
        _await(port)
        yield port
    finally:
        process.kill()
        process.join()


def _await(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the SMTP server did not start")


def _serve(port: int) -> None:
    from threading import Event as Forever

    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    Controller(Sink(), hostname="127.0.0.1", port=port).start()
    Forever().wait()


if __name__ == "__main__":
    print(json.dumps(work(int(sys.argv[1]))))
