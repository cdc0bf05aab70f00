"""The repository itself: the example settings, and the checks that `make check` runs."""

import importlib.util
import re
import socket
from pathlib import Path
from types import ModuleType

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr
from pytest_socket import SocketConnectBlockedError

from models.settings import Settings, is_placeholder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def checks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("checks", ROOT / ".ci" / "checks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def examples() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^# (CM_[A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_every_setting_has_its_line_and_nothing_is_switched_on() -> None:
    assert set(examples()) == {f"CM_{name.upper()}" for name in Settings.model_fields}
    assert dict(dotenv_values(ROOT / ".env.example")) == {}


def test_the_example_shows_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in examples():
        monkeypatch.delenv(name, raising=False)
    shown = {name: value for name, value in examples().items() if value and name != "CM_FEEDS"}
    env = tmp_path / "env"
    env.write_text("".join(f"{name}={value}\n" for name, value in shown.items()))
    filled = Settings(_env_file=env).model_dump()  # type: ignore[call-arg]
    assert filled == Settings(_env_file=None).model_dump()  # type: ignore[call-arg]


def test_no_secret_is_suggested() -> None:
    secrets = [
        name
        for name, field in Settings.model_fields.items()
        if SecretStr in getattr(field.annotation, "__args__", ())
    ]
    assert secrets
    for name in secrets:
        value = examples()[f"CM_{name.upper()}"]
        assert value == "" or is_placeholder(value)


def test_the_locks_answer_to_the_project(checks: ModuleType) -> None:
    run, dev = (checks.locked(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert list(checks.lock_faults((ROOT / "pyproject.toml").read_text(), run, dev)) == []


def test_a_lock_out_of_step_is_told(checks: ModuleType) -> None:
    extras = '[project.optional-dependencies]\nbuild = []\ndev = ["d[x]>=1"]\n'
    project = '[project]\ndependencies = ["a>=2", "b"]\n' + extras
    faults = list(checks.lock_faults(project, {"a": {"1.0"}, "c": {"1"}}, {"a": {"1.0"}, "c": {"2"}}))
    assert faults == [
        "requirements.lock: a 1.0 is not >=2: make lock",
        "requirements.lock: b is missing; run make lock",
        "requirements-dev.lock: a 1.0 is not >=2: make lock",
        "requirements-dev.lock: b is missing; run make lock",
        "requirements-dev.lock: d is missing; run make lock",
        "requirements-dev.lock: c 2, requirements.lock has 1",
    ]
    assert list(checks.unhashed("x.lock", "a==1 \\\n    --hash=sha256:00\nb==2\n")) == [
        "x.lock: b==2 has no hash"
    ]


def test_hosts_and_places_are_found(checks: ModuleType) -> None:
    bad = [
        "see https://" + "pypi" + ".org/simple",
        "--extra-index" + "-url https://example.com/simple",
        "cd /" + "work/main",
        "HOME=/" + "home/maria/project",
        "path: '/" + "root/.cache'",
    ]
    fine = [
        f"https://example.com/{'work'}/1",
        f"cd ../{'work'}/",
        f"a/{'root'}/b",
        "https://example.com/home/maria/x",
    ]
    assert len(list(checks.tree_faults([("a.txt", "\n".join(bad))]))) == len(bad)
    assert list(checks.tree_faults([("a.txt", "\n".join(fine))])) == []


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_a_test_that_reaches_for_the_network_fails() -> None:
    with pytest.raises(SocketConnectBlockedError), socket.socket() as connection:
        connection.connect(("192.0.2.1", 80))  # an address set aside for documentation
