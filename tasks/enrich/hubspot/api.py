"""Asking HubSpot: date-versioned addresses, pages, limits, and its own words for what went wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pydantic import SecretStr

from tasks.enrich.crm import CrmContext, FetchError, Pace
from tasks.enrich.hubspot.options import NAME
from tasks.net.documents import JSON_TYPES, looks_like_json, read_json, read_object
from tasks.net.faults import QuotaReached, Refused, WrongType

URL = "https://api.hubapi.com"
GENERAL_SECONDS = 0.11
"""Between two requests: 100 in ten seconds are allowed in every plan."""
SEARCH_SECONDS = 0.26
"""Searches are counted apart: four a second."""
BATCH = 100
"""Ids a batch read takes, and values we put into one IN."""
SEARCH_LIMIT = 200
OWNERS_LIMIT = 500
MOST_PAGES = 5_000
"""A bound on paging that only an answer gone wrong can reach: a million records."""
_DAILY_PAUSE = 3_600.0
# The daily count starts anew at midnight in the account's own time zone, which we do not know. An hour's pause
# is never more than an hour late; waiting for a midnight of our choosing could cost a day.
_ROLLING_PAUSE = 10.0
_SECONDLY_PAUSE = 1.0


class MissingScope(Refused):
    """The key may not read this kind of object."""


class Row(NamedTuple):
    """One object as HubSpot gives it: every value is a string, or missing."""

    id: str
    properties: Mapping[str, str]


class Api:
    """One account, through one key."""

    def __init__(self, context: CrmContext, key: SecretStr, version: str) -> None:
        self._context = context
        self._key = key
        self._version = version
        self._base = context.settings.source_urls.get(NAME, URL).rstrip("/")

    def batch_read(self, kind: str, ids: Iterable[str], properties: Sequence[str]) -> Iterator[Row]:
        """The objects with these ids; HubSpot leaves out those it does not have."""
        for some in _by_hundreds(ids):
            body = {"inputs": [{"id": one} for one in some], "properties": list(properties)}
            yield from _rows(self._ask(f"/crm/objects/{self._version}/{kind}/batch/read", body=body))

    def search(
        self, kind: str, conditions: Sequence[Mapping[str, Any]], properties: Sequence[str]
    ) -> Iterator[Row]:
        """Every object that meets all conditions, by id.

        Pages start behind the last id seen instead of at an offset: HubSpot gives 10,000 results of a query
        and no more, and records that change meanwhile shift no page.
        """
        last = "0"
        for _ in range(MOST_PAGES):
            behind = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
            body = {
                # The published schema requires all five.
                "filterGroups": [{"filters": [*conditions, behind]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": list(properties),
                "limit": SEARCH_LIMIT,
                "after": "0",
            }
            answer = self._ask(f"/crm/objects/{self._version}/{kind}/search", body=body, searching=True)
            yield from (rows := _rows(answer))
            if len(answer["results"]) < SEARCH_LIMIT:
                return
            if not rows or int(rows[-1].id) <= int(last):
                break
            last = rows[-1].id
        raise _endless()

    def associated(self, origin: str, target: str, ids: Iterable[str]) -> dict[str, set[str]]:
        """Ids of the ``target`` objects of each ``origin`` object."""
        address = f"/crm/associations/{self._version}/{origin}/{target}/batch/read"
        found: dict[str, set[str]] = {}
        for some in _by_hundreds(ids):
            waiting = [{"id": one} for one in some]
            for _ in range(MOST_PAGES):
                if not waiting:
                    break
                answer = self._ask(address, body={"inputs": waiting})
                waiting = []
                for row in _results(answer):
                    key = _id(_object(row, "from").get("id"))
                    if key is None:
                        continue
                    more = {_id(one.get("toObjectId")) for one in _objects(row.get("to"))} - {None}
                    known = found.setdefault(key, set())
                    after = _object(_object(row, "paging"), "next").get("after")
                    if after and more - known:
                        waiting.append({"id": key, "after": str(after)})
                    known |= {one for one in more if one is not None}
            else:
                raise _endless()
        return found

    def owners(self) -> Iterator[Mapping[str, Any]]:
        """The account's users who may own records; those who left are not among them."""
        after: str | None = None
        seen: set[str] = set()
        while True:
            parameters = {"limit": str(OWNERS_LIMIT)} | ({"after": after} if after else {})
            answer = self._ask(f"/crm/owners/{self._version}?{urlencode(parameters)}")
            yield from _results(answer)
            following = _object(_object(answer, "paging"), "next").get("after")
            if not following:
                return
            after = str(following)
            if after in seen:
                raise _endless()
            seen.add(after)

    def account(self) -> Mapping[str, Any]:
        """The account's settings, ``companyCurrency`` among them."""
        return self._ask(f"/account-info/{self._version}/details")

    def _ask(
        self, path: str, *, body: Mapping[str, Any] | None = None, searching: bool = False
    ) -> dict[str, Any]:
        key = self._key.get_secret_value()
        pace = Pace(f"{NAME}-search", SEARCH_SECONDS, key) if searching else Pace(NAME, GENERAL_SECONDS, key)
        answer = self._context.http.fetch(
            self._base + path,
            method="GET" if body is None else "POST",
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            expect=JSON_TYPES,
            looks_right=looks_like_json,
            allow_private=NAME in self._context.settings.source_urls,
            pace=pace,
            explain=explain,
        )
        return read_object(answer.body, "HubSpot")


def explain(status: int, body: bytes) -> FetchError | None:
    """HubSpot's words for a missing scope and for its limits; its statuses leave these open."""
    said = read_json(body)
    if not isinstance(said, dict):
        return None
    if status == 401:
        return Refused("HubSpot: does not accept the key (401); make a service key and give it", status=401)
    if status == 403 and said.get("category") == "MISSING_SCOPES":
        return MissingScope(
            "HubSpot: the key lacks a scope (403); docs/crm.md lists those needed", status=403
        )
    if status != 429:
        return None
    policy = f"{said.get('policyName')} {said.get('message')}".upper()
    if "DAILY" in policy:
        words = "HubSpot: the day's requests are used up (429); asked again in an hour"
        return QuotaReached(words, status=429, after=_DAILY_PAUSE)
    rolling = "TEN_SECONDLY" in policy or "SECONDLY" not in policy
    return QuotaReached(
        "HubSpot: too many requests at once (429); the next run tries again",
        status=429,
        retry=True,
        after=_ROLLING_PAUSE if rolling else _SECONDLY_PAUSE,
    )


def _by_hundreds(ids: Iterable[str]) -> Iterator[list[str]]:
    each = sorted(set(ids))
    for start in range(0, len(each), BATCH):
        yield each[start : start + BATCH]


def _endless() -> WrongType:
    return WrongType("HubSpot: its pages do not come to an end; the next run tries again")


def _results(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = answer.get("results")
    if not isinstance(rows, list):
        raise WrongType("HubSpot: an answer without 'results'; its format may have changed")
    return _objects(rows)


def _rows(answer: Mapping[str, Any]) -> list[Row]:
    rows = []
    for one in _results(answer):
        key = _id(one.get("id"))
        if key is not None and not one.get("archived"):
            values = {
                name: text for name, text in _object(one, "properties").items() if isinstance(text, str)
            }
            rows.append(Row(key, values))
    return rows


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _id(value: object) -> str | None:
    """HubSpot's ids are numbers, written as strings (or, in associations, as either)."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if is_id(text) else None


def is_id(text: str) -> bool:
    """Whether this could be a HubSpot record's id."""
    return text.isascii() and text.isdecimal() and len(text) <= 20
