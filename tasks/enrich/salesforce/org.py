"""An org we are signed in to: queries, each with one new token at the most, and its API usage in view."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from tasks.enrich.crm import CrmContext, SignInRefused
from tasks.enrich.salesforce.bridge import Bridge
from tasks.enrich.salesforce.faults import Expired
from tasks.enrich.salesforce.options import Options
from tasks.enrich.salesforce.reading import Row
from tasks.enrich.salesforce.tokens import Token, Tokens
from tasks.net.documents import no_json
from tasks.net.faults import QuotaReached, WrongType

STOP_AT = 0.9
"""The share of the org's calls in 24 hours after which we stop asking: the rest is for its people's own systems."""
MOST_PAGES = 5_000
"""A bound on paging that only an answer gone wrong can reach: ten million rows."""


class Org:
    """One tenant's org."""

    def __init__(self, context: CrmContext, options: Options) -> None:
        self._context = context
        self._version = options.api_version
        self._tokens = Tokens(context, options)
        self._client: tuple[Token, Salesforce] | None = None
        self._usage: tuple[int, int] | None = None

    def ensure_room(self) -> None:
        """QuotaReached when the last answer said that the org's API calls are nearly used up."""
        if self._usage is None or self._usage[0] < STOP_AT * self._usage[1]:
            return
        used, total = self._usage
        raise QuotaReached(
            f"Salesforce: {used:,} of the org's {total:,} API calls in 24 hours are used; the rest is left to its own "
            "systems, the next run tries again"
        )

    def rows(self, soql: str) -> Iterator[Row]:
        """What a query finds, page by page."""
        page = self._call(lambda client: client.query(soql))
        for _ in range(MOST_PAGES):
            yield from (row for row in page["records"] if isinstance(row, Mapping))
            if page.get("done", True):
                return
            following = page.get("nextRecordsUrl")
            # The library puts host and path together: what is no path would name another host.
            if not isinstance(following, str) or not following.startswith("/services/data/"):
                break
            page = self._more(following)
        raise WrongType("Salesforce: its pages do not come to an end; the next run tries again")

    def _more(self, path: str) -> Mapping[str, Any]:
        return self._call(lambda client: client.query_more(path, identifier_is_url=True))

    def _call(self, ask: Callable[[Salesforce], Any]) -> Mapping[str, Any]:
        before = self._tokens.renewals
        token, client = self._client or self._sign_in(None)
        while True:
            try:
                return self._answer(client, ask)
            except Expired:
                if self._tokens.renewals > before:
                    break
            token, client = self._sign_in(token)
        raise SignInRefused(
            "Salesforce: a new token is not accepted either: look at the session policies and the login history of "
            "its user"
        )

    def _answer(self, client: Salesforce, ask: Callable[[Salesforce], Any]) -> Mapping[str, Any]:
        try:
            page = ask(client)
        except (ValueError, SalesforceError, requests.RequestException):
            page = None
        usage = client.api_usage.get("api-usage")
        if usage is not None:
            self._usage = (usage.used, usage.total)
        if not isinstance(page, Mapping) or not isinstance(page.get("records"), list):
            raise no_json("Salesforce")
        return page

    def _sign_in(self, expired: Token | None) -> tuple[Token, Salesforce]:
        token = self._tokens.current(expired)
        client = Salesforce(
            instance_url=token.instance,
            session_id=token.access.get_secret_value(),
            version=self._version,
            session=Bridge(self._context, token.instance).session(),
        )
        self._client = (token, client)
        return self._client
