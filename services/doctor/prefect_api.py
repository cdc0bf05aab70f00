"""Whether Prefect answers, to whom, and whether anything there would run our flows."""

import importlib.metadata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.doctor.checks import Check
from services.doctor.transports import LOOPBACK

DEPLOYMENTS = (
    "monitor-clients/on-demand",
    "monitor-clients/scheduled",
    "monitor-shard/run",
    "send-digests/every-five-minutes",
    "keep-house/nightly",
)
_SERVE_LOCALLY = (
    "bind it to 127.0.0.1, or set PREFECT_SERVER_API_AUTH_STRING (and PREFECT_API_AUTH_STRING here)"
)


def configured_url(environ: Mapping[str, str]) -> str | None:
    """The API's address, from the environment or Prefect's own profile; None: its local server is started."""
    if "PREFECT_API_URL" in environ:
        return environ["PREFECT_API_URL"] or None
    from prefect.settings import get_current_settings  # noqa: PLC0415  importing Prefect takes seconds

    return get_current_settings().api.url


def check_prefect(environ: Mapping[str, str], *, timeout: float) -> list[Check]:
    """The API, who may use it, our deployments, and a worker to run them."""
    checks = []
    if environ.get("PREFECT_SERVER_API_HOST", "127.0.0.1") not in LOOPBACK and not environ.get(
        "PREFECT_SERVER_API_AUTH_STRING"
    ):
        message = (
            f"PREFECT_SERVER_API_HOST={environ['PREFECT_SERVER_API_HOST']} lets other machines in unasked"
        )
        checks.append(Check.warning("prefect", message, _SERVE_LOCALLY))
    url = configured_url(environ)
    if url is None:
        return [Check.ok("prefect", "no PREFECT_API_URL: runs start a local server of their own"), *checks]
    try:
        with _client(url, environ, timeout) as api:
            api.get("/health").raise_for_status()
            return [
                *_check_version(api, url),
                *_check_access(url, timeout),
                *_check_deployments(api),
                *checks,
            ]
    except httpx.HTTPStatusError as error:
        return [*_refused(error), *checks]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"{_shown(url)} does not answer: {error or type(error).__name__}"
        mend = "start it (make up, or prefect server start), or correct PREFECT_API_URL; it ends in /api"
        return [Check.failed("prefect", message, mend), *checks]


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _client(url: str, environ: Mapping[str, str], timeout: float) -> httpx.Client:
    user, colon, password = environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    headers = {}
    if environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {environ['PREFECT_API_KEY']}"
    auth = (user, password) if colon else None
    return httpx.Client(base_url=url.rstrip("/"), auth=auth, headers=headers, timeout=timeout)


def _refused(error: httpx.HTTPStatusError) -> list[Check]:
    status = error.response.status_code
    if status in {401, 403}:
        mend = "set PREFECT_API_AUTH_STRING (user:password) or PREFECT_API_KEY to what the server expects"
        return [Check.failed("prefect", f"the server refuses us ({status})", mend)]
    mend = "check that PREFECT_API_URL is Prefect's address and ends in /api"
    return [Check.failed("prefect", f"{error.request.url.path} answers {status}", mend)]


def _check_version(api: httpx.Client, url: str) -> list[Check]:
    answer = api.get("/admin/version")
    server = str(answer.json()) if answer.status_code == httpx.codes.OK else "of unknown version"
    ours = importlib.metadata.version("prefect")
    if server[:1].isdigit() and server.split(".")[:2] != ours.split(".")[:2]:
        message = f"the server is {server}, this program has {ours}"
        return [Check.warning("prefect", message, "run both in the same minor version")]
    return [Check.ok("prefect", f"{_shown(url)} answers ({server})")]


def _check_access(url: str, timeout: float) -> list[Check]:
    """Health stays open with authentication on; whether strangers get in, only a real question tells."""
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK:
        return []
    if parts.scheme == "http":
        mend = "use https, or a tunnel"
        checks = [Check.warning("prefect", f"{_shown(url)} is unencrypted and not on this machine", mend)]
    else:
        checks = []
    stranger = httpx.post(f"{_shown(url).rstrip('/')}/flows/filter", json={"limit": 1}, timeout=timeout)
    if stranger.status_code == httpx.codes.OK:
        checks.append(
            Check.warning("prefect", f"{_shown(url)} obeys anybody who can reach it", _SERVE_LOCALLY)
        )
    return checks


def _check_deployments(api: httpx.Client) -> list[Check]:
    missing, paused, pools = [], [], set()
    for name in DEPLOYMENTS:
        answer = api.get(f"/deployments/name/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            missing.append(name)
            continue
        found: dict[str, Any] = answer.raise_for_status().json()
        if found.get("paused"):
            paused.append(name)
        if found.get("work_pool_name"):
            pools.add(str(found["work_pool_name"]))
    checks = []
    if missing:
        message = f"not deployed: {', '.join(missing)}"
        checks.append(Check.warning("deployments", message, "prefect --no-prompt deploy --all"))
    if paused:
        mend = "prefect deployment resume NAME, when that was not meant"
        checks.append(Check.warning("deployments", f"paused: {', '.join(paused)}", mend))
    if not checks:
        checks.append(Check.ok("deployments", f"all {len(DEPLOYMENTS)} there"))
    return checks + [_check_workers(api, pool) for pool in sorted(pools)]


def _check_workers(api: httpx.Client, pool: str) -> Check:
    answer = api.post(f"/work_pools/{pool}/workers/filter", json={}).raise_for_status()
    online = [worker for worker in answer.json() if str(worker.get("status", "")).upper() == "ONLINE"]
    if online:
        return Check.ok("worker", f"{len(online)} online in pool {pool}")
    mend = f"make up, or prefect worker start --pool {pool} --limit 2"
    return Check.warning("worker", f"none is online in pool {pool}: scheduled runs wait", mend)
