"""A sign of life for a monitor outside: who no longer hears of us raises the alarm that we cannot."""

import logging

from models.settings import get_settings
from tasks.net.faults import FetchError
from tasks.net.http import Http

LOG = logging.getLogger(__name__)


def beat(*, http: Http | None = None) -> bool:
    """Ask the operator's address once, where there is one; whether it answered. Its failure is a line in the log."""
    settings = get_settings()
    if settings.heartbeat_url is None:
        return False
    address = settings.heartbeat_url.get_secret_value()
    try:
        if http is not None:
            http.fetch(address, allow_private=True, attempts=1)
        else:
            with Http(settings) as own:
                own.fetch(address, allow_private=True, attempts=1)
    except FetchError as error:
        LOG.warning("heartbeat: %s", error)
        return False
    return True
