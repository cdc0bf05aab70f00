"""A small tenant, a day of invented news in an archive, and a run of it in a process that can be killed anywhere.

Run as a script: ``python undisturbed.py ARCHIVE [STAGE:MOMENT]`` works the pipeline once and, where asked, kills itself
(SIGKILL) in that stage: ``before`` its first batch, ``inside`` its first transaction just before the commit, ``after``
its first batch.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailserver import as_read
from sqlalchemy import event, text
from sqlmodel import Session, SQLModel, select

from flows.pipeline import Stages, run_pipeline
from models.accounts import Frequency, UserPreference
from models.clients import Client
from models.engine import get_engine, reading
from models.events import Decision, Event
from models.mail import Delivery, Notification
from models.news import Article, Story
from models.scope import Scope
from models.settings import get_settings
from services.accounts import pick_business
from services.replay import replay_digests
from services.runs import close_run, open_run
from tasks.companies.names import Profile
from tasks.plan import RunPlan, StageReport
from tasks.search.sources.mock import invent

CLIENTS = ("Nordwind Energy", "Alba Textiles", "Harbor Freightways", "Kestrel Robotics")
AS_OF = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
STAGES = ("search", "dedupe", "enrich", "classify", "filter", "notify")


def write_archive(path: Path, clients: tuple[str, ...] = CLIENTS) -> Path:
    """A JSONL archive of one invented day about these clients."""
    lines = []
    for name in clients:
        for item in invent(Profile(key=name, name=name), AS_OF):
            published = item.published_at.isoformat() if item.published_at else None
            lines.append(
                json.dumps(
                    {
                        "title": item.title,
                        "snippet": item.snippet,
                        "url": item.url,
                        "source": item.source,
                        "published_at": published,
                    }
                )
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def populate(tenant: Any) -> None:
    """Four clients and three people: instant, daily, weekly."""
    ids = [tenant.add_client(name, domain=None) for name in CLIENTS]
    tenant.add_user("ines@example.com", clients=tuple(ids), frequency=Frequency.INSTANT)
    tenant.add_user("maria@example.com", clients=tuple(ids[:3]), frequency=Frequency.DAILY)
    tenant.add_user("ken@example.com", clients=tuple(ids[1:]), frequency=Frequency.WEEKLY)


def start(archive: Path, kill: str = "", **env: str) -> "subprocess.Popen[str]":
    """Run this script in a process of its own, in the caller's database."""
    return subprocess.Popen(
        [sys.executable, __file__, str(archive), kill],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> int:
    """Wait for the end; anything but success or our own SIGKILL shows its output."""
    _, said = process.communicate(timeout=240)
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode


def ledger(scope: Scope) -> dict[str, Any]:
    """All that must be the same after a crash: no ids, no wall-clock time."""
    with reading(scope) as session:
        clients = {c.id: c.name for c in session.exec(select(Client))}
        stories = {s.id: s for s in session.exec(select(Story))}
        people = {p.user_id: str(p.notification_frequency) for p in session.exec(select(UserPreference))}
        events = {e.id: e for e in session.exec(select(Event))}
        name = {e.id: f"{clients[e.client_id]}: {e.title}" for e in events.values()}
        return {
            "articles": sorted((a.title, str(a.source), stories[a.story_id].title if a.story_id else "")
                               for a in session.exec(select(Article))),
            "stories": sorted((s.title, s.article_count, s.outlet_count) for s in stories.values()),
            "events": sorted(
                (name[e.id], e.category.value, e.relevance, e.confidence, e.revision, e.reason, e.is_history)
                for e in events.values()
            ),
            "notifications": sorted(
                (name[n.event_id], n.revision, people[n.user_id], str(n.state), str(n.reason), str(n.route))
                for n in session.exec(select(Notification))
            ),
            "deliveries": sorted(
                (d.recipient, d.kind.value, d.slot, d.state.value, d.item_count, d.subject, str(d.message_id))
                for d in session.exec(select(Delivery))
            ),
            "decisions": sorted(
                (str(d.stage), d.verdict, d.reason_code, d.evidence if d.stage != "dedupe" else "")
                for d in session.exec(select(Decision))
            ),
        }  # fmt: skip


def mails() -> dict[str, str]:
    """Name → hash of every mail the file transport wrote, but for the tokens in its links."""
    folder = get_settings().outbox_dir
    return {
        path.name: hashlib.sha256(repr(as_read(path.read_bytes())).encode()).hexdigest()
        for path in sorted(folder.glob("*"))
    }


def empty(keep: set[str] | frozenset[str] = frozenset()) -> None:
    """Back to before the run: all but the tenant, its people and its clients, and the tables to ``keep``."""
    kept = keep | {
        "businesses",
        "users",
        "user_preferences",
        "clients",
        "client_assignments",
        "alembic_version",
    }
    with get_engine().begin() as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            if table.name not in kept:
                connection.execute(text(f"DELETE FROM {table.name}"))
        connection.execute(text("UPDATE clients SET baseline_at = NULL"))
    for path in get_settings().outbox_dir.glob("*"):
        path.unlink()


class _Assassin:
    """Kills this process at one moment of one stage."""

    def __init__(self, kill: str) -> None:
        self.stage, _, self.moment = kill.partition(":")

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, step: Any) -> Any:
        if name != self.stage:
            return step

        def doomed(*arguments: Any) -> StageReport:
            if self.moment == "before":
                self.strike()
            if self.moment == "inside":
                event.listen(Session, "before_commit", lambda _session: self.strike())
            report: StageReport = step(*arguments)
            self.strike()
            return report

        return doomed


def work(archive: str, kill: str = "") -> None:
    """One run of the archive and its digests."""
    assassin = _Assassin(kill)
    plain = Stages()
    stages = replace(plain, **{name: assassin.around(name, getattr(plain, name)) for name in STAGES})
    plan: RunPlan = open_run(pick_business(None).slug, sources=[f"archive:{archive}"], baseline=False)
    reports = run_pipeline(plan, stages, lambda _report: None)
    digests = assassin.around("digest", replay_digests)
    reports.append(digests(plan))
    close_run(plan, reports)


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
