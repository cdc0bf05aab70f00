"""Where Prefect's API is: the environment, Prefect's own profile, or the note that ``client-monitor up`` leaves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.folders import private_folder
from models.settings import get_settings

_NOTE = "prefect-api-url"


def api_url() -> str | None:
    """The API's address; None when nobody named one. Prefect would start a server of its own then: we do not."""
    if "PREFECT_API_URL" in os.environ:
        return os.environ["PREFECT_API_URL"] or None
    from prefect.settings import get_current_settings  # noqa: PLC0415  importing Prefect takes seconds

    return get_current_settings().api.url or _noted()


def flow_run_page(flow_run_id: str) -> str | None:
    """A flow run's page in Prefect's UI (``PREFECT_UI_URL``, else beside the API), for operators: it shows all."""
    url = os.environ.get("PREFECT_UI_URL") or (api_url() or "").rstrip("/").removesuffix("/api")
    if not url.startswith(("http://", "https://")):
        return None
    return f"{url.rstrip('/')}/runs/flow-run/{flow_run_id}"


@contextmanager
def noted(url: str, data_dir: Path) -> Iterator[None]:
    """While the block runs, other commands of this machine find the server without being told."""
    note = data_dir / _NOTE
    private_folder(data_dir)
    note.write_text(f"{url}\n", encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _noted() -> str | None:
    note = get_settings().data_dir / _NOTE
    try:
        return note.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
