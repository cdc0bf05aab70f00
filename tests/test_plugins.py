"""Packages of other people: the examples of the documentation, installed and run as they stand there."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from mailbox import Maildir
from pathlib import Path

import pytest
from conftest import Tenant
from desk import add_candidate, rows
from fakes import NewsServer, Reply
from newsroom import add_story, plan_for

from models.base import utc_now
from models.crm import CrmSnapshot
from models.events import Category, Decision, Event
from models.news import RawItem, SourceResult, SourceState
from models.providers import ProviderConfig, ProviderKind
from models.settings import get_settings
from services.providers.catalogue import find_provider
from tasks.classify.stage import classify_batch
from tasks.enrich.stage import enrich_batch
from tasks.notify.transports.transport import Envelope, Result, Transport, open_transport
from tasks.registry import CLASSIFIERS, CRMS, SOURCES, TRANSPORTS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "plugins.md"
EXAMPLE = ROOT / "examples" / "press_office"
RELEASES = {
    "releases": [
        {
            "headline": "Acme opens a plant in Leeds",
            "link": "https://press-office.example/1",
            "at": "2026-03-09T08:00:00Z",
        }
    ]
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path in which the page's examples are installed, each as a package with its entry point."""
    site = tmp_path / "site"
    site.mkdir()
    page = PAGE.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n# (\w+)\.py\n(.*?)```.*?```toml\n(.*?)```", page, re.DOTALL)
    assert [name for name, _, _ in examples] == ["spreadsheet_crm", "house_rules", "maildir_transport"]
    for name, code, table in examples:
        (site / f"{name}.py").write_text(code)
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        groups = tomllib.loads(table)["project"]["entry-points"]
        lines = [
            f"[{group}]\n{key} = {value}" for group, points in groups.items() for key, value in points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(site))
    return site


def switch_on(tenant: Tenant, kind: ProviderKind, name: str, **options: str) -> None:
    tenant.add(
        ProviderConfig(
            business_id=tenant.business_id,
            kind=kind,
            name=name,
            is_enabled=True,
            options=options,
            changed_at=utc_now(),
        )
    )


def test_a_source_is_installed_and_brings_its_news(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, target = tmp_path / "package", tmp_path / "target"
    shutil.copytree(EXAMPLE, package)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--target", target, package], check=True)
    client = tenant.add_client("Acme")
    with NewsServer() as server:
        url = server.serve("/releases", Reply(json.dumps(RELEASES).encode(), media_type="application/json"))
        environment = {
            **os.environ,
            "PYTHONPATH": f"{target}{os.pathsep}{ROOT}",
            "CM_SOURCE_URLS": json.dumps({"press_office": url}),
        }
        environment.pop("PREFECT_API_URL", None)

        run = [sys.executable, "-m", "cli.main", "run", "--source", "press_office", "--no-baseline"]
        done = subprocess.run(
            [*run, "--days-back", "365"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
    [asked] = server.asked
    assert asked.query["company"] == ["Acme"]
    [item] = rows(tenant, RawItem)
    assert (item.source_api, item.client_id) == ("press_office", client)
    assert item.raw_content["title"] == "Acme opens a plant in Leeds"
    [result] = rows(tenant, SourceResult)
    assert result.state is SourceState.OK
    monkeypatch.syspath_prepend(str(target))
    assert find_provider("press_office").about.recipient == "Press Office Ltd."


def test_a_crm_takes_snapshots(tenant: Tenant, site: Path, tmp_path: Path) -> None:
    acme = tenant.add_client("Acme")
    add_candidate(tenant, add_story(tenant, "Acme grows"), "Acme grows", acme)
    path = tmp_path / "accounts.csv"
    path.write_text("id,name,tier,owner\n7,Acme,Gold,Ada Berg\n")
    switch_on(tenant, ProviderKind.CRM, "spreadsheet", path=str(path))
    assert enrich_batch(plan_for(tenant)).degraded == ()
    [snapshot] = rows(tenant, CrmSnapshot)
    assert (snapshot.provider, snapshot.tier, snapshot.owner_name) == ("spreadsheet", "Gold", "Ada Berg")


def test_a_crm_that_fails_is_named(tenant: Tenant, site: Path, tmp_path: Path) -> None:
    acme = tenant.add_client("Acme")
    add_candidate(tenant, add_story(tenant, "Acme grows"), "Acme grows", acme)
    switch_on(tenant, ProviderKind.CRM, "spreadsheet", path=str(tmp_path / "gone.csv"))
    [line] = enrich_batch(plan_for(tenant)).degraded
    assert "spreadsheet" in line
    assert "gone.csv: cannot be read (FileNotFoundError)" in line


def test_a_classifier_goes_before_the_rules(tenant: Tenant, site: Path) -> None:
    acme = tenant.add_client("Acme")
    for title in ("Acme signs framework agreement with Leeds", "Acme names Maria Kern chief executive"):
        add_candidate(tenant, add_story(tenant, title), title, acme)
    switch_on(tenant, ProviderKind.CLASSIFIER, "house_rules")
    assert classify_batch(plan_for(tenant)).degraded == ()
    events = {event.title: event.category for event in rows(tenant, Event)}
    assert events == {
        "Acme signs framework agreement with Leeds": Category.PARTNERSHIP,
        "Acme names Maria Kern chief executive": Category.LEADERSHIP_CHANGE,
    }
    assert "house_rules" in {decision.engine for decision in rows(tenant, Decision)}


def test_a_transport_sends(tenant: Tenant, site: Path) -> None:
    transport = open_transport("maildir", get_settings())
    assert isinstance(transport, Transport)
    outcome = transport.send(Envelope("a@x.example", "b@y.example", "<1@x>", b"Subject: Hello\r\n\r\nHi\r\n"))
    transport.close()
    assert outcome.result is Result.SENT
    [mail] = Maildir(get_settings().data_dir / "maildir")
    assert mail["Subject"] == "Hello"


def test_the_example_is_short_and_imports_the_public_module_only() -> None:
    code = (EXAMPLE / "press_office.py").read_text(encoding="utf-8")
    assert len(code.splitlines()) < 40
    for text in (code, PAGE.read_text(encoding="utf-8")):
        ours = set(re.findall(r"^from ((?:tasks|models|services|cli|flows)\S*) import", text, re.MULTILINE))
        assert ours <= {
            "tasks.search.source",
            "tasks.enrich.crm",
            "tasks.classify.classifier",
            "tasks.notify.transports.transport",
        }


def test_the_page_names_the_groups_that_are_read() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for group in (SOURCES, CRMS, CLASSIFIERS, TRANSPORTS):
        assert f"`{group}`" in page
