"""Loads of pages in a browser, and how long each took."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from uuid import UUID

from sqlmodel import col, select

from benchmarks.machine import Failed
from benchmarks.pages.data import Place, environment
from benchmarks.pages.large import OWNER, SLUG
from benchmarks.pages.serving import free_port, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EMPTY = "empty page"
CHROMIUM = Path("/usr/bin/chromium")
_PATIENCE_MS = 120_000
_FAILED = '[data-testid="stException"], [data-testid="stAlertContentError"]'
_WATCH = """
(() => {
  const seen = { ready: null, busy: 0 };
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) seen.busy = task.startTime + task.duration;
  }).observe({ type: 'longtask', buffered: true });
  const isThere = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    return app !== null
      && app.getAttribute('data-test-script-state') === 'notRunning'
      && document.querySelector('h1') !== null
      && document.querySelector('[data-testid="stSkeleton"], [data-testid="stAppSkeleton"]') === null;
  };
  const look = () => {
    if (!isThere()) seen.ready = null;
    else if (seen.ready === null) seen.ready = performance.now();
    setTimeout(look, 10);
  };
  look();
  window.interactive = () => {
    if (seen.ready === null) return 0;
    const at = Math.max(seen.ready, seen.busy);
    return performance.now() - at > 500 ? at : 0;
  };
})();
"""


def measure(place: Place, *, loads: int, only: Sequence[str] | None) -> dict[str, dict[str, float]]:
    """Median milliseconds of each page and of the empty one, and the ratio of the two; first loads are not counted."""
    port, other = free_port(), free_port()
    token, addresses = _inside(place, port)
    pages = {name: path for name, path in addresses.items() if not only or name in only}
    with ExitStack() as stack:
        env = environment(place, CM_PUBLIC_URL=f"http://127.0.0.1:{port}")
        app = stack.enter_context(served(["-m", "cli.main", "serve", "--port", str(port)], port, env))
        empty = stack.enter_context(served(["-m", "benchmarks.pages.serving", str(other)], other, env))
        browser = stack.enter_context(_browser())
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_init_script(_WATCH)
        context.add_cookies([{"name": "cm_session", "value": token, "url": app.address}])
        page = context.new_page()
        asked = {EMPTY: empty.address} | {name: f"{app.address}{path}" for name, path in pages.items()}
        times: dict[str, list[float]] = {name: [] for name in asked}
        for turn in range(loads + 1):
            for name, address in asked.items():
                try:
                    took = _load(page, name, address)
                except Failed as error:
                    raise Failed(f"{error}\n{app.said}") from None
                if turn:
                    times[name].append(took)
        context.close()
    base = median(times[EMPTY])
    return {
        name: {"ms": median(took), "ratio": median(took) / base, "least": min(took), "most": max(took)}
        for name, took in times.items()
    }


def _load(page: "Page", name: str, address: str) -> float:
    page.goto(address, wait_until="commit")
    try:
        handle = page.wait_for_function("window.interactive()", timeout=_PATIENCE_MS, polling=50)
    except Exception as error:
        raise Failed(f"{name} did not become interactive: {error}") from None
    failed = page.locator(_FAILED)
    if failed.count():
        raise Failed(f"{name} says: {failed.first.inner_text()[:500]}")
    return float(handle.json_value())


@contextmanager
def _browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


def _inside(place: Place, port: int) -> tuple[str, Mapping[str, str]]:
    """A session of the owner, and where each page is."""
    import os

    from models.settings import get_settings

    kept = dict(os.environ)
    os.environ.update(place.env, CM_PUBLIC_URL=f"http://127.0.0.1:{port}")
    get_settings.cache_clear()
    try:
        return _signed_in()
    finally:
        os.environ.clear()
        os.environ.update(kept)
        get_settings.cache_clear()


def _signed_in() -> tuple[str, Mapping[str, str]]:
    from models.accounts import User, business_by_slug
    from models.clients import Client
    from models.engine import reading
    from models.mail import Delivery, DeliveryState
    from models.scope import Scope
    from models.signin import SignInMethod
    from services.setup import ensure_schema
    from services.signin.sessions import begin

    ensure_schema()
    with reading(Scope.operator()) as session:
        business = business_by_slug(session, SLUG)
        assert business is not None
    scope = Scope.system(business.id)
    with reading(scope) as session:
        owner = session.exec(select(User).where(User.email == OWNER)).one()
        client = session.exec(select(Client).order_by(col(Client.id))).first()
        newest = (col(Delivery.created_at).desc(), col(Delivery.id).desc())
        own = select(Delivery).where(Delivery.user_id == owner.id, Delivery.state == DeliveryState.SENT)
        mail = session.exec(own.order_by(*newest)).first()
    assert client is not None
    assert mail is not None
    return begin(scope, owner.id, SignInMethod.PASSWORD), _addresses(client.id, mail.id)


def _addresses(client_id: UUID, mail_id: UUID) -> dict[str, str]:
    return {
        "Today": "/today",
        "Clients": "/clients",
        "Client": f"/client?id={client_id}",
        "Email log": "/email-log",
        "Email log, failed": "/email-log?status=failed",
        "Email log, a search": "/email-log?find=nowhere",
        "A mail": f"/email-log?id={mail_id}",
        "Insights": "/insights",
        "Insights, 26 weeks": "/insights?weeks=26",
        "Preferences": "/preferences",
        "Account": "/account",
        "Schedules": "/schedules",
        "Runs": "/runs",
        "Settings": "/settings",
    }
