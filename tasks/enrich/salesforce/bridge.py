"""simple-salesforce speaks through ``requests``; this carries its requests over our own client instead.

So they are bounded in time, size and attempts, guarded against private addresses, and typed in their failures as
everybody's, whatever the library's defaults are (it has no time-out). Only GET goes over: we read.
"""

import io
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import BaseAdapter

from tasks.enrich.crm import CrmContext, CrmError, Pace
from tasks.enrich.salesforce.faults import explain
from tasks.enrich.salesforce.options import NAME
from tasks.net.documents import JSON_TYPES


class Bridge(BaseAdapter):
    """One instance's requests. Whatever host an address has, it is this instance (or its gateway) that is asked."""

    def __init__(self, context: CrmContext, instance: str) -> None:
        super().__init__()
        self._context = context
        gateway = context.settings.source_urls.get(NAME)
        self._base = (gateway or instance).rstrip("/")
        self._is_gateway = gateway is not None
        # Requests need no distance, but what one org asks of us (Retry-After) is known to all processes. The instance
        # is kept among the sealed values, so that a hold is found and lifted like one of a key.
        self._pace = Pace(NAME, 0.0, instance)

    def session(self) -> requests.Session:
        """A session that knows no other way out."""
        session = requests.Session()
        session.trust_env = False  # or a .netrc would put its own login in the token's place
        session.adapters.clear()
        session.mount("https://", self)
        return session

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer, when it is good; FetchError otherwise."""
        if request.method != "GET":
            raise CrmError("Salesforce: we only read; this request would change something")
        parts = urlsplit(str(request.url))
        fetched = self._context.http.fetch(
            self._base + urlunsplit(("", "", parts.path, parts.query, "")),
            headers={"Authorization": str(request.headers["Authorization"])},
            expect=JSON_TYPES,
            allow_private=self._is_gateway,
            pace=self._pace,
            explain=explain,
        )
        response = requests.Response()
        response.status_code = fetched.status
        response.headers.update(fetched.headers)
        response.raw = io.BytesIO(fetched.body)
        response.url = fetched.url
        response.request = request
        return response

    def close(self) -> None:
        """The connections are our client's."""
