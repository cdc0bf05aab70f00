"""The processes that are measured: the real app, and an empty page served the same way."""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import IO

from benchmarks.machine import ROOT, Failed

EMPTY = Path(__file__).with_name("empty_page.py")
_STARTS_WITHIN = 120


def free_port() -> int:
    """A port that nobody listens on."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """A process of ours that serves."""

    def __init__(self, process: "subprocess.Popen[bytes]", address: str, log: IO[bytes]) -> None:
        self.address = address
        self._process = process
        self._log = log

    @property
    def said(self) -> str:
        """The end of what it wrote to stderr."""
        self._log.seek(0)
        return self._log.read()[-3000:].decode("utf-8", "replace")

    def wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise Failed(f"the server ended with {self._process.returncode}:\n{self.said}")
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise Failed(f"the server did not start within {_STARTS_WITHIN} s:\n{self.said}")


@contextmanager
def served(arguments: list[str], port: int, env: Mapping[str, str]) -> Iterator[Served]:
    """A process of ours that serves on this port, once it answers."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=dict(env), stdout=subprocess.DEVNULL, stderr=log
        )
        try:
            server = Served(process, f"http://127.0.0.1:{port}", log)
            server.wait()
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serve_empty(port: int) -> None:
    """Serve the empty page, until the process is stopped."""
    import streamlit as st
    import uvicorn

    uvicorn.run(st.App(EMPTY), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    serve_empty(int(sys.argv[1]))
