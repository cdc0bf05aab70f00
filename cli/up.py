"""``up``: Prefect's server, the deployments and a worker, in the foreground, stopped together by Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import httpx
import typer

from cli.output import FAILED, note, say
from cli.serve import PORT

POOL = "client-monitor"
STARTUP_SECONDS = 180
_OURS = (sys.executable, "-m", "cli.main")
"""The command line itself, whatever is on the PATH."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("up")(up)


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Prefect's port, on loopback only.")] = 4200,
    limit: Annotated[int, typer.Option(min=1, max=64, help="How many runs the worker takes at once.")] = 4,
    web_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port of the links in mails, on loopback only.")
    ] = PORT,
) -> None:
    """Start everything on this machine: Prefect's server and UI, the deployments, a worker, and the web service."""
    from models.settings import get_settings
    from services.schedules.address import noted
    from services.setup import ensure_schema

    ensure_schema()
    if not Path("prefect.yaml").is_file():
        from services.errors import UserError

        raise UserError("there is no prefect.yaml here", "run this in the project's folder")
    address = f"http://127.0.0.1:{port}"
    env = environment(address, get_settings().data_dir.absolute())
    started: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, _stop)
    try:
        if _answers(address):
            note(f"a Prefect server answers at {address} already; using it")
        else:
            note("starting Prefect's server (12 to 30 seconds) …")
            started.append(_start(["server", "start", "--host", "127.0.0.1", "--port", str(port)], env))
            _wait_for(address, started[0])
        deploy(env)
        for line in tend(env):
            note(line)
        started.append(
            _start(["worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit)], env)
        )
        started.append(_start(["serve", "--port", str(web_port)], env, command=_OURS))
        say(f"Prefect UI: {address}")
        say(f"on demand:  export PREFECT_API_URL={address}/api")
        say("            prefect deployment run 'monitor-clients/on-demand' -p business=main")
        say("Ctrl-C stops it all; what was under way goes on with the next run.")
        with noted(f"{address}/api", get_settings().data_dir):
            _watch(started)
    except KeyboardInterrupt:
        note("stopping …")
    finally:
        _end(started)


def environment(address: str, data_dir: Path) -> dict[str, str]:
    """The environment of every process of ours: one server, one data folder, our loggers, retention switched on."""
    from models.folders import private_folder

    private_folder(data_dir)
    defaults = {
        "PREFECT_HOME": str(data_dir / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,services,models",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    return {
        **defaults,
        **os.environ,
        "PREFECT_API_URL": f"{address}/api",
        "CM_DATA_DIR": str(data_dir),
    }


def deploy(env: Mapping[str, str]) -> None:
    """Make the work pool when it is missing, and bring every deployment up to date."""
    if _prefect(["work-pool", "inspect", POOL], env).returncode:
        _must(["work-pool", "create", POOL, "--type", "process"], env)
    note("deploying …")
    _must(["--no-prompt", "deploy", "--all"], env)


def tend(env: Mapping[str, str]) -> list[str]:
    """Bring the schedules of every business into step with the server; what was done, and what could not be."""
    # In a process of its own, which sees the server's address in its environment.
    done = subprocess.run(  # noqa: S603  our own command, fixed words
        [*_OURS, "schedules", "sync"], env=dict(env), capture_output=True, text=True, check=False
    )
    said = (done.stdout + done.stderr).strip().splitlines()
    return [f"schedules: {line}" for line in said]


def _command() -> str:
    beside = Path(sys.executable).with_name("prefect")
    return str(beside) if beside.exists() else shutil.which("prefect") or "prefect"


def _prefect(arguments: list[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  our own command, fixed words
        [_command(), *arguments], env={**env, "PWD": os.getcwd()}, capture_output=True, text=True, check=False
    )


def _must(arguments: list[str], env: Mapping[str, str]) -> None:
    done = _prefect(arguments, env)
    if done.returncode:
        raise RuntimeError(
            f"prefect {' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()[-800:]}"
        )


def _start(
    arguments: list[str], env: Mapping[str, str], *, command: Sequence[str] = ()
) -> "subprocess.Popen[bytes]":
    """Start Prefect's command, or ours, in the background."""
    # A session of its own: Ctrl-C reaches us alone, and we stop the processes in order.
    return subprocess.Popen([*(command or [_command()]), *arguments], env=dict(env), start_new_session=True)  # noqa: S603


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def _wait_for(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while not _answers(address):
        if server.poll() is not None:
            raise RuntimeError(f"Prefect's server ended with code {server.returncode}; is its port taken?")
        if time.monotonic() > deadline:
            raise RuntimeError(f"Prefect's server did not answer within {STARTUP_SECONDS} s")
        time.sleep(0.5)


def _watch(started: "list[subprocess.Popen[bytes]]") -> None:
    while True:
        for process in started:
            if process.poll() is not None:
                note(f"a process ended with code {process.returncode}; stopping the rest")
                raise typer.Exit(FAILED)
        time.sleep(1)


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end(started: "list[subprocess.Popen[bytes]]") -> None:
    for process in reversed(started):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
