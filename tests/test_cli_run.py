"""The command line: run, demo, status, why, evaluate; on a fresh folder, on bad input, on a locked database."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import undisturbed
from conftest import SHARED, Tenant
from desk import rows
from fakes import NewsServer, Reply, jsonl, rss
from sqlalchemy import Engine
from typer.testing import CliRunner

from cli.main import app
from flows.pipeline import Stages
from models.base import utc_now
from models.clients import Client
from models.engine import engine_for, get_engine, reading
from models.events import Event
from models.jobs import JobRun, RunState, recent_runs
from models.mail import Channel, Delivery, DeliveryState
from models.news import SourceResult, SourceState
from models.scope import Scope
from models.settings import get_settings
from services.accounts import find_business
from services.runs import open_run
from tasks.classify.stage import classify_batch
from tasks.plan import RunPlan, StageReport

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = (
    "name,assigned_to\nNordwind Energy,maria@example.com\nAlba Textiles,maria@example.com; tom@example.com\n"
)
DEAL = "Nordwind Energy agrees to buy Fabrikam for $6.5 billion"
NEWS: list[Any] = [
    {
        "title": DEAL,
        "snippet": "Nordwind Energy said it will acquire the analytics maker Fabrikam in cash.",
        "url": "https://thewire.example/deal",
        "source": "The Wire",
        "published_at": "2026-03-09T08:00:00Z",
    },
    {
        "title": "Nordwind Energy to acquire Fabrikam in $6.5bn deal",
        "snippet": "The analytics maker Fabrikam will become part of Nordwind Energy.",
        "url": "https://post.example/nordwind-deal",
        "source": "Example Post",
        "published_at": "2026-03-09T09:00:00Z",
    },
    {
        "title": "Alba Textiles names Maria Kern chief executive",
        "snippet": "Maria Kern joins Alba Textiles from a rival in June.",
        "url": "https://thewire.example/kern",
        "source": "The Wire",
        "published_at": "2026-03-09T11:00:00Z",
    },
]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder nobody has used, with two clients and an archive to import; SQLite, as out of the box."""
    monkeypatch.delenv("CM_DATABASE_URL", raising=False)
    monkeypatch.delenv("CM_DEBUG", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("CM_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clients.csv").write_text(CLIENTS)
    (tmp_path / "news.jsonl").write_text(jsonl(NEWS))
    get_settings.cache_clear()
    yield tmp_path
    with contextlib.suppress(ValueError):
        get_engine().dispose()
    engine_for.cache_clear()
    get_settings.cache_clear()


@pytest.fixture
def house(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """The same clients and archive in the database that the tests run on."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "clients.csv").write_text(CLIENTS)
    (tmp_path / "news.jsonl").write_text(jsonl(NEWS))
    assert call("import-clients", "clients.csv").exit_code == 0
    return tenant


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with NewsServer() as running:
        yield running


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run(source: str = "archive:news.jsonl", *more: str) -> Any:
    return call("run", "--source", source, "--no-baseline", *more)


def shell(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, as somebody at a terminal starts it."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def outbox() -> list[Path]:
    return sorted(get_settings().outbox_dir.glob("*"))


def mails() -> dict[str, str]:
    """The text of each mail in the outbox by its recipient's address."""
    texts: dict[str, str] = {}
    for path in outbox():
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        address = mail["To"].addresses[0].addr_spec
        assert address not in texts, "two mails to one person"
        body = mail.get_body(("plain",))
        assert body is not None
        texts[address] = body.get_content()
    return texts


def refused(result: Any, *words: str, code: int) -> None:
    """One line that says what, one that says what to do, no traceback, and an honest exit code."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    for word in words:
        assert word in result.stderr
    assert len(lines) == 2, result.stderr
    assert lines[1].startswith("→ ")
    assert "Traceback" not in result.output
    assert "unexpected" not in result.output


def test_a_fresh_folder_comes_to_mails_and_running_it_again_to_none(fresh: Path) -> None:
    done = shell(fresh, "import-clients", "clients.csv")
    assert done.returncode == 0, done.stderr
    done = shell(fresh, "run", "--source", "archive:news.jsonl", "--no-baseline")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(r"^Main: completed in \d+\.\d s, as of 2026-03-09 11:00 UTC$", done.stdout, re.M)
    assert "3 new items → 3 articles → 2 stories naming a client → 2 events; 2 mails written" in done.stdout
    assert re.search(r"^Nordwind Energy +2 +1 +1 +Nordwind Energy ", done.stdout, re.M)
    assert re.search(r"^maria@example\.com +0 +2 +0 +-", done.stdout, re.M)
    assert all(path.suffix == ".eml" for path in outbox())
    written = mails()
    assert sorted(written) == ["maria@example.com", "tom@example.com"]
    assert written["maria@example.com"].count(DEAL) == 1
    assert "Maria Kern" in written["maria@example.com"]

    before = [(path.name, path.read_bytes()) for path in outbox()]
    done = shell(fresh, "run", "--source", "archive:news.jsonl", "--no-baseline")
    assert done.returncode == 0, done.stderr
    assert "0 new items" in done.stdout
    assert "0 mails written" in done.stdout
    assert [(path.name, path.read_bytes()) for path in outbox()] == before

    done = shell(fresh, "why", "agrees to buy", "tom@example.com")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("you do not look after this client.")
    done = shell(fresh, "status")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("completed") >= 2


def test_everything_works_in_the_database_the_tests_run_on(house: Tenant) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert "2 events; 2 mails written" in result.stdout
    assert {mail.channel for mail in rows(house, Delivery)} == {Channel.FILE}
    again = run()
    assert again.exit_code == 0
    assert "0 new items → 0 articles → 0 stories naming a client → 0 events; 0 mails written" in again.stdout
    told = call("why", "https://thewire.example/kern", "maria@example.com")
    assert told.exit_code == 0
    assert told.stdout.startswith("Alba Textiles names Maria Kern chief executive  (The Wire)\n")
    assert "→ Alba Textiles: delivered in “" in told.stdout
    shown = call("status")
    assert shown.exit_code == 0
    for word in ("Last runs", "Sources of the last run", "news.jsonl", "Last mails", "maria@example.com"):
        assert word in shown.stdout


def test_only_the_clients_asked_for(house: Tenant) -> None:
    result = run("archive:news.jsonl", "--client", "alba textiles")
    assert result.exit_code == 0, result.output
    assert "1 event;" in result.stdout
    assert "Nordwind Energy" not in result.stdout


def test_bad_lines_are_named_and_the_good_ones_go_on(house: Tenant) -> None:
    undated = {"title": "Alba Textiles opens a plant in Porto", "published_at": "soon"}
    Path("bad.jsonl").write_text(jsonl(["{broken", NEWS[0], ["no object"], {"snippet": "x"}, undated]))
    result = run("archive:bad.jsonl")
    assert result.exit_code == 0, result.output
    assert "Test: degraded in" in result.stdout
    assert "2 new items" in result.stdout
    assert "degraded: archive bad.jsonl: 3 rows left out, the first: bad.jsonl: line 1: " in result.stderr
    for line, what in ((1, "not a JSON object"), (3, "not a JSON object"), (4, "title is missing")):
        assert re.search(rf"^bad\.jsonl: line {line}: {what}", result.stderr, re.M)
    assert "bad.jsonl: line 5: published_at 'soon' cannot be read; taken as unknown" in result.stderr
    assert "degraded" in call("status").stdout


def test_a_missing_archive_fails_in_a_clear_line(house: Tenant) -> None:
    result = run("archive:nowhere.jsonl")
    assert result.exit_code == 1
    assert "Test: failed in" in result.stdout
    assert "nowhere.jsonl: no such file; check the path" in result.stderr
    assert "Traceback" not in result.output
    assert outbox() == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("news.csv", "headline,link\nx,y\n", "title, snippet, url, source, published_at or first_seen_at"),
        ("news.xml", "<html><body>not here</body></html>", "not an RSS or Atom document"),
        ("news.jsonl.gz", "plain text", "line 1: not a JSON object"),
        ("folder", None, "check that it is a file"),
    ],
)
def test_an_archive_that_is_none_says_what_it_must_be(
    house: Tenant, name: str, content: str | None, said: str
) -> None:
    path = Path("elsewhere") / name
    path.parent.mkdir()
    path.mkdir() if content is None else path.write_text(content)
    result = run(f"archive:{path}")
    assert said in result.stderr
    assert result.exit_code == (0 if "line 1" in said else 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--client", "Nobody"), ("there is no client called 'Nobody'", "client-monitor status")),
        (("run", "--business", "nobody"), ("there is no business 'nobody'; known: test", "--business")),
        (("run", "--source", "nix"), ("no source is called 'nix'; installed: archive, ",)),
        (("run", "--source", "archive"), ("archive: name the file, as in --source archive:news.jsonl",)),
        (("run", "--source", "google_news:x"), ("google_news takes no argument (google_news:x)",)),
        (("run", "--source", "mock", "--deliver"), ("invented news is never delivered", "--deliver")),
        (("status", "--business", "nobody"), ("there is no business 'nobody'", "--business")),
        (("why", "never heard of", "maria@example.com"), ("no article found for 'never heard of'", "status")),
        (("why", "x", "nobody@example.com"), ("nobody with the address 'nobody@example.com'",)),
    ],
)
def test_bad_input_is_refused_with_what_to_do(
    house: Tenant, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(call(*arguments), *words, code=2)


@pytest.mark.parametrize(
    "arguments", [("--days-back", "0"), ("--days-back", "soon"), ("--nonsense",), ("surplus",)]
)
def test_usage_errors_name_the_option(house: Tenant, arguments: tuple[str, ...]) -> None:
    result = call("run", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr
    assert rows(house, JobRun) == []


def test_without_a_client_there_is_nothing_to_run_and_it_says_so(fresh: Path) -> None:
    refused(run(), "there is no business yet", "client-monitor init", code=2)
    assert call("init").exit_code == 0  # nothing was made that would take its name
    refused(run(), "main watches no client yet", "import-clients", code=2)
    assert call("import-clients", "clients.csv").exit_code == 0
    assert "2 events" in run().stdout


def test_without_a_run_status_says_how_to_start_one(tenant: Tenant) -> None:
    result = call("status")
    assert (result.exit_code, result.stdout) == (0, "no run yet; start one with: client-monitor run\n")


def test_status_names_the_client_a_source_was_asked_about(house: Tenant) -> None:
    [client] = rows(house, Client, name="Alba Textiles")
    plan = open_run("test")
    result = {
        "source_api": "gdelt",
        "unit": str(client.id),
        "client_id": client.id,
        "state": SourceState.EMPTY,
    }
    house.add(SourceResult(business_id=house.business_id, job_run_id=plan.job_run_id, **result))
    shown = call("status").stdout
    assert re.search(r"^gdelt +Alba Textiles +empty", shown, re.M)
    assert str(client.id) not in shown


def test_one_of_something_is_no_plural(house: Tenant) -> None:
    Path("one.jsonl").write_text(jsonl(NEWS[:1]))
    said = run("archive:one.jsonl").stdout
    assert "1 new item → 1 article → 1 story naming a client → 1 event; 1 mail written" in said


def test_a_feed_that_fails_beside_a_good_one_is_named(house: Tenant, server: NewsServer) -> None:
    good = server.serve("/good", rss([{"title": DEAL, "link": "https://x.example/1"}]))
    bad = server.serve("/bad", Reply(status=404))
    result = run(f"rss:{good}", "--source", f"rss:{bad}", "--no-deliver")
    assert result.exit_code == 0
    assert "Test: degraded in" in result.stdout
    assert f"degraded: rss {bad}: " in result.stderr


def test_a_headline_cannot_steer_the_terminal(house: Tenant) -> None:
    title = "[red]A[/] \x1b[2J Nordwind Energy opens a plant\x07"
    Path("news.jsonl").write_text(jsonl([{"title": title, "published_at": "2026-03-09T08:00:00Z"}]))
    result = run()
    assert result.exit_code == 0, result.output
    told = call("why", "Nordwind Energy", "maria@example.com")
    for said in (result.output, told.output):
        assert "[red]A[/]" in said
        assert "\x1b[2J" not in said
        assert "\x07" not in said


def test_the_demo_runs_without_anything_and_again_without_new_mail(db: Engine) -> None:
    result = call("demo", "--plain")
    assert result.exit_code == 0, result.output
    for word in ("Where to look next", "client-monitor why", "ines@example.com", "mails written"):
        assert word in result.stdout
    business = find_business("demo")
    assert business is not None
    demo = Tenant(business.id)
    assert outbox()
    assert {mail.state for mail in rows(demo, Delivery)} <= {DeliveryState.SENT, DeliveryState.EMPTY}
    assert all(event.is_mock for event in rows(demo, Event))

    def made() -> tuple[int, dict[str, bytes]]:
        return len(rows(demo, Event)), {path.name: path.read_bytes() for path in outbox()}

    day = None
    while day != utc_now().date():  # past midnight it invents another day's news
        day, before = utc_now().date(), made()
        assert call("demo", "--plain").exit_code == 0
        after = made()
    assert after == before


LABELLED = {
    "stories": [
        {"id": "1", "title": DEAL, "story": "a"},
        {"id": "2", "title": DEAL.upper(), "story": "a"},
        {"id": "3", "title": "Pilots vote on a new contract", "story": "b"},
    ],
    "companies": [
        {"client": {"name": "Nordwind Energy"}, "title": DEAL, "about": True},
        {"client": {"name": "Target"}, "title": "How to hit the target every time", "about": False},
    ],
    "categories": [
        {"title": DEAL, "category": "acquisition"},
        {"title": "Alba Textiles opens a visitor centre", "category": "expansion", "alt": "other"},
    ],
}
FIGURES = {
    "stories": "pairwise_precision pairwise_recall pairwise_f1 b3_precision b3_recall b3_f1 "
    "articles articles_per_second",
    "companies": "precision recall f1 accuracy items_per_second",
    "categories": "accuracy macro_f1 macro_f1_with_alt per_category items_per_second",
}


@pytest.mark.parametrize("what", LABELLED)
@pytest.mark.parametrize("options", [(), ("--errors",)])
def test_an_evaluation_prints_one_json_object_last(
    tmp_path: Path, what: str, options: tuple[str, ...]
) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(jsonl([*LABELLED[what], "{broken", {"nothing": "known"}]))
    result = call("evaluate", what, path, *options)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout.splitlines()[-1])
    assert set(FIGURES[what].split()) <= set(figures)
    assert "2 lines were left out" in result.stderr
    for number in (len(LABELLED[what]) + 1, len(LABELLED[what]) + 2):
        assert f"labelled.jsonl line {number}" in result.stderr


@pytest.mark.parametrize("what", LABELLED)
def test_an_evaluation_of_nothing_is_refused(tmp_path: Path, what: str) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    refused(call("evaluate", what, empty), "empty.jsonl has no line that can be measured", code=2)
    refused(call("evaluate", what, tmp_path / "nowhere.jsonl"), "there is no file", "nowhere.jsonl", code=2)


def test_an_unknown_classifier_lists_the_installed(tmp_path: Path) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(jsonl(LABELLED["categories"]))
    result = call("evaluate", "categories", path, "--classifier", "nix")
    refused(result, "no classifier is called 'nix'; installed: ", "rules", code=2)


HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
held.execute("ROLLBACK")
"""


class Lock:
    """Another process that has begun to write and does not end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def take(self) -> None:
        path = self._folder / "var" / "client-monitor.db"
        self._process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"

    def give_back(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)
            self._process = None


@pytest.fixture
def lock(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lock]:
    """A database with the clients, in which nobody waits long for a lock."""
    monkeypatch.setattr("models.engine.BUSY_TIMEOUT_MS", 20)
    assert call("import-clients", "clients.csv").exit_code == 0
    lock = Lock(fresh)
    yield lock
    lock.give_back()


def state_of_runs() -> list[RunState]:
    business = find_business("main")
    assert business is not None
    scope = Scope.system(business.id)
    with reading(scope) as session:
        return [run.state for run in recent_runs(scope, session)]


def test_a_locked_database_is_said_in_one_line_and_nothing_is_lost(lock: Lock) -> None:
    lock.take()
    refused(run(), "the database is locked: another process has been writing for too long", code=1)
    lock.give_back()
    result = run()
    assert result.exit_code == 0, result.output
    assert "2 events; 2 mails written" in result.stdout
    assert state_of_runs() == [RunState.COMPLETED]


@pytest.mark.parametrize("stage", undisturbed.STAGES)
def test_a_database_locked_in_the_middle_of_a_run_loses_nothing(
    lock: Lock, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    plain = Stages()

    def blocked(*arguments: Any) -> StageReport:
        lock.take()
        report: StageReport = getattr(plain, stage)(*arguments)
        return report

    with monkeypatch.context() as patch:
        patch.setattr("flows.pipeline.Stages", lambda: replace(plain, **{stage: blocked}))
        refused(run(), "the database is locked", "run", code=1)
    lock.give_back()
    result = run()
    assert result.exit_code == 0, result.output
    assert "2 mails written" in result.stdout
    text = mails()["maria@example.com"]
    assert DEAL in text
    assert "Maria Kern" in text
    assert run().exit_code == 0
    assert len(outbox()) == 2


def test_a_run_that_breaks_is_failed_says_so_and_is_made_good(
    house: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_plan: RunPlan) -> StageReport:
        raise ZeroDivisionError("division by zero")

    with monkeypatch.context() as patch:
        patch.setattr("flows.pipeline.Stages", lambda: replace(Stages(), classify=broken))
        result = run()
    assert result.exit_code == 1
    assert "unexpected: ZeroDivisionError: division by zero" in result.stderr
    assert "CM_DEBUG=1" in result.stderr
    [failed] = rows(house, JobRun)
    assert (failed.state, failed.error) == (RunState.FAILED, "ZeroDivisionError: division by zero")
    assert failed.counts["dedupe.articles"] == 3
    assert run().exit_code == 0
    assert len(rows(house, Event)) == 2
    assert classify_batch is Stages().classify


AS_A_FLOW = """
import json
from typer.testing import CliRunner
from cli.main import app

def call(*arguments):
    result = CliRunner().invoke(app, ["run", "--no-baseline", "--prefect", *arguments])
    said.append([result.exit_code, result.stdout, result.stderr])

said = []
call("--source", "archive:news.jsonl")
call("--source", "archive:news.jsonl", "--client", "Nobody")
call("--source", "archive:nowhere.jsonl")
call("--source", "nix")
print(json.dumps(said))
"""


@pytest.mark.prefect
def test_as_a_prefect_flow_it_comes_to_the_same_and_fails_as_honestly(house: Tenant, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    }
    done = subprocess.run(
        [sys.executable, "-c", AS_A_FLOW], env=env, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stderr
    good, nobody, missing, nix = json.loads(done.stdout.splitlines()[-1])
    assert good[0] == 0, good
    assert "2 events; 2 mails written" in good[1]
    # Never the summary of an earlier run in the place of an error.
    assert nobody[0] == 2, nobody
    assert "mails written" not in nobody[1]
    assert "there is no client called 'Nobody'" in nobody[2]
    assert missing[0] == 1, missing
    assert "no such file; check the path" in missing[2]
    assert nix[0] == 1, nix
    assert "no source is called 'nix'" in nix[2]
    assert [run.state for run in rows(house, JobRun)] == [
        RunState.COMPLETED,
        RunState.FAILED,
        RunState.FAILED,
    ]
    assert len(list(get_settings().outbox_dir.glob("*.eml"))) == 2


@pytest.mark.full
def test_a_month_of_real_news_ends_in_explained_mails(db: Engine) -> None:
    portfolio = SHARED / "data" / "portfolio.csv"
    if not portfolio.is_file():
        pytest.skip("labelled data is not on this machine")
    assert call("import-clients", portfolio).exit_code == 0
    result = run(f"archive:{SHARED / 'data' / 'news_business_2025-11.jsonl'}")
    assert result.exit_code == 0, result.output
    assert len(mails()) == 4
