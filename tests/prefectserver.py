"""A real Prefect server with our deployments, for a module of tests: ``server = prefectserver.serve(folder)``."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.up import POOL, _start, _wait_for, deploy, environment

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    env: dict[str, str]

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = httpx.request(method, f"{self.env['PREFECT_API_URL']}{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def until(self, what: str, poll: Callable[[], Any], seconds: float = 150) -> Any:
        """The first truthy answer of ``poll``; fails, naming ``what``, when none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = poll()
            if found:
                return found
            time.sleep(0.5)
        pytest.fail(f"{what} did not happen within {seconds} s")

    def deployments(self) -> dict[str, Any]:
        flows = {flow["id"]: flow["name"] for flow in self.api("POST", "/flows/filter", {})}
        found = self.api("POST", "/deployments/filter", {})
        return {f"{flows[d['flow_id']]}/{d['name']}": d for d in found}

    def artifacts(self, flow_run_id: str) -> list[dict[str, Any]]:
        asked = {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}}
        return self.api("POST", "/artifacts/filter", asked)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children: asked first, since a worker waits for the run it has in hand."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def serve(folder: Path, **extra: str) -> Iterator[Server]:
    """The server, deployed to; ``extra`` goes into its environment, and into that of all that is started with it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    env = environment(address, folder / "var") | {"PREFECT_HOME": str(folder / "home")} | extra
    env.pop("CM_DATABASE_URL", None)
    before = Path.cwd()
    os.chdir(PROJECT)
    process = _start(["server", "start", "--host", "127.0.0.1", "--port", str(port)], env)
    try:
        _wait_for(address, process)
        deploy(env)
        yield Server(env)
    finally:
        os.chdir(before)
        stop(process)


@contextmanager
def worker(server: Server, *, limit: int = 1, **extra: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker of our pool; ``extra`` goes into its environment and so into its runs'."""
    arguments = ["worker", "start", "--pool", POOL, "--type", "process", "--limit", str(limit)]
    process = _start(arguments, server.env | extra)
    try:
        yield process
    finally:
        if process.poll() is None:
            stop(process)
