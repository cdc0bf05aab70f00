"""The app as a person meets it: the real service in a process of its own, looked at with a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a quiet harbour in winter"
DESKTOP, PHONE = (1280, 900), (390, 844)
PATIENCE = 60_000
"""Milliseconds that anything may take on a machine that does much else."""
_SWITCHES = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, else Playwright's own; the test is skipped, saying so, where there is neither."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    own = playwright.chromium.executable_path
    if found is None and not Path(own).is_file():
        pytest.skip("NO BROWSER: the app is not tested. On Debian: apt install chromium")
    expect.set_options(timeout=PATIENCE)
    return playwright.chromium.launch(executable_path=found or own, args=list(_SWITCHES))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class House:
    """A running service with a folder and database of its own."""

    folder: Path
    env: dict[str, str]
    port: int
    _passwords: set[str] = field(default_factory=set)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, given: str = "") -> str:
        """A command of ours; what it printed. Fails with what it said when it failed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=ROOT,
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def visit(
        self, browser: Browser, size: tuple[int, int] = DESKTOP, *, is_dark: bool = False
    ) -> Iterator[Page]:
        """A browser of its own, signed out. An error in the page's own scripts fails the test."""
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if is_dark else "light",
            base_url=self.origin,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        try:
            yield page
            assert not faults, faults
        finally:
            context.close()

    def sign_in(self, page: Page, email: str, *, business: str = "demo", to: str = "/") -> None:
        """Through the form, as a person does it; waits until the page is there."""
        if email not in self._passwords:
            self.run("user", "password", email, "--business", business, "--stdin", given=f"{PASSWORD}\n")
            self._passwords.add(email)
        page.goto(f"/web/sign-in?next={to}")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        settle(page)


def settle(page: Page) -> None:
    """Wait until Streamlit has drawn the page and runs nothing any more."""
    page.wait_for_selector("[data-testid='stApp']")
    page.wait_for_selector("[data-testid='stMain'] h1")
    page.wait_for_function(
        "() => !document.querySelector(\"[data-testid='stStatusWidget'], [data-test-script-state='running'],"
        " [data-stale='true']\")"
    )


@contextmanager
def served(folder: Path, **env: str) -> Iterator[House]:
    """``client-monitor serve`` on a free port of loopback, until the block ends."""
    port = free_port()
    house = House(
        folder,
        {name: value for name, value in os.environ.items() if not name.startswith(("CM_", "PREFECT_"))}
        | {"CM_DATA_DIR": str(folder), "CM_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        | env,
        port,
    )
    log = (folder.parent / "serve.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "serve", "--port", str(port)],
        cwd=ROOT,
        env=house.env,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_for(house, process, log)
        yield house
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_for(house: House, process: "subprocess.Popen[Any]", log: Any) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"{house.origin}/_stcore/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            pytest.fail(f"the service did not start: {log.read()[-2000:]}")
        time.sleep(0.2)
