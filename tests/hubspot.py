"""A small HubSpot on a loopback server: it keeps objects, answers by its own rules and refuses what breaks them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fakes import Asked, NewsServer, Reply

VERSION = "2026-09"
KEY = "pat-eu1-very-secret"
OBJECTS = ("companies", "deals", "tickets")


class _Refused(Exception):
    """Answered with an error in HubSpot's form."""

    def __init__(self, status: int, category: str, **more: str) -> None:
        self.status = status
        self.body = {
            "status": "error",
            "message": f"words with {KEY} in them",
            "correlationId": "c",
            "category": category,
        } | more


def answer(body: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(body).encode(), status, "application/json;charset=utf-8")


def error(status: int, category: str = "ERROR", **more: str) -> Reply:
    return answer(_Refused(status, category, **more).body, status)


@dataclass
class HubSpot:
    """``forbidden`` objects lack their scope; ``linked_at_once`` is how many associations one answer holds."""

    server: NewsServer
    objects: dict[str, dict[str, dict[str, str | None]]] = field(
        default_factory=lambda: {kind: {} for kind in OBJECTS}
    )
    owners: list[dict[str, Any]] = field(default_factory=list)
    account: dict[str, Any] = field(default_factory=lambda: {"portalId": 1, "companyCurrency": "EUR"})
    links: dict[str, dict[str, list[str]]] = field(default_factory=lambda: {"deals": {}, "tickets": {}})
    forbidden: set[str] = field(default_factory=set)
    linked_at_once: int = 500

    def __post_init__(self) -> None:
        for kind in OBJECTS:
            self._serve(self.path(kind, "search"), kind, self._search(kind))
            self._serve(self.path(kind, "batch/read"), kind, self._batch_read(kind))
        for kind in self.links:
            self._serve(self.linked(kind), kind, self._associations(kind))
        self._serve(self.owners_path, "owners", self._owners)
        self._serve(self.account_path, "account", lambda _: self.account)

    @property
    def owners_path(self) -> str:
        return f"/crm/owners/{VERSION}"

    @property
    def account_path(self) -> str:
        return f"/account-info/{VERSION}/details"

    def path(self, kind: str, verb: str) -> str:
        return f"/crm/objects/{VERSION}/{kind}/{verb}"

    def linked(self, kind: str) -> str:
        return f"/crm/associations/{VERSION}/companies/{kind}/batch/read"

    def add(self, kind: str, id_: int, *, of: int | None = None, **properties: str | None) -> None:
        """An object, linked to the company ``of``."""
        self.objects[kind][str(id_)] = properties
        if of is not None:
            self.links[kind].setdefault(str(of), []).append(str(id_))

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(one.body) for one in self.server.asked if one.path == path]

    def _serve(self, path: str, kind: str, act: Callable[[Asked], Any]) -> None:
        def reply(asked: Asked) -> Reply:
            try:
                if asked.headers.get("Authorization") != f"Bearer {KEY}":
                    raise _Refused(401, "INVALID_AUTHENTICATION")
                if kind in self.forbidden:
                    raise _Refused(403, "MISSING_SCOPES")
                return answer(act(asked))
            except _Refused as refused:
                return answer(refused.body, refused.status)

        self.server.serve(path, reply)

    def _search(self, kind: str) -> Callable[[Asked], Any]:
        def act(asked: Asked) -> Any:
            body = json.loads(asked.body)
            _need(set(body) >= {"filterGroups", "sorts", "properties", "limit", "after"})
            _need(body["limit"] <= 200 and len(body["filterGroups"]) <= 5)
            _need(all(len(group["filters"]) <= 10 for group in body["filterGroups"]))
            found = [
                key
                for key in self.objects[kind]
                if any(
                    all(self._meets(kind, key, one) for one in group["filters"])
                    for group in body["filterGroups"]
                )
            ]
            found.sort(key=int)
            start = int(body["after"])
            _need(start + body["limit"] <= 10_000)
            page = found[start : start + body["limit"]]
            more = (
                {"paging": {"next": {"after": str(start + len(page))}}} if found[start + len(page) :] else {}
            )
            rows = [self._object(kind, key, body["properties"]) for key in page]
            return {"total": len(found), "results": rows} | more

        return act

    def _meets(self, kind: str, key: str, condition: Mapping[str, Any]) -> bool:
        name, operator = condition["propertyName"], condition["operator"]
        value = key if name == "hs_object_id" else self.objects[kind][key].get(name)
        if value is None:
            return False
        if operator == "GT":
            return int(value) > int(condition["value"])
        if operator == "EQ":
            return value.lower() == condition["value"].lower()
        _need(operator == "IN" and len(condition["values"]) <= 100)
        _need(all(one == one.lower() for one in condition["values"]))
        return value.lower() in condition["values"]

    def _batch_read(self, kind: str) -> Callable[[Asked], Any]:
        def act(asked: Asked) -> Any:
            body = json.loads(asked.body)
            ids = [one["id"] for one in body["inputs"]]
            _need(len(ids) <= 100)
            known = [self._survivor(kind, key) for key in ids]
            rows = [self._object(kind, key, body["properties"]) for key in dict.fromkeys(known) if key]
            missing = [{"status": "error", "category": "OBJECT_NOT_FOUND"}] if None in known else []
            return {"status": "COMPLETE", "results": rows, "errors": missing}

        return act

    def _survivor(self, kind: str, key: str) -> str | None:
        """The object itself, or the one that it was merged into."""
        if key in self.objects[kind]:
            return key
        merged = {
            old: one
            for one, said in self.objects[kind].items()
            for old in (said.get("hs_merged_object_ids") or "").split(";")
        }
        return merged.get(key)

    def _object(self, kind: str, key: str, names: Sequence[str]) -> dict[str, Any]:
        kept = {name: self.objects[kind][key].get(name) for name in names} | {"hs_object_id": key}
        return {"id": key, "properties": kept, "createdAt": "2026-01-01T00:00:00Z", "archived": False}

    def _associations(self, kind: str) -> Callable[[Asked], Any]:
        def act(asked: Asked) -> Any:
            results = []
            inputs = json.loads(asked.body)["inputs"]
            _need(len(inputs) <= 1_000)
            for one in inputs:
                linked = self.links[kind].get(one["id"], [])
                start = int(one.get("after", 0))
                end = start + self.linked_at_once
                to = [{"toObjectId": int(key), "associationTypes": []} for key in linked[start:end]]
                if to:
                    more = {"paging": {"next": {"after": str(end)}}} if linked[end:] else {}
                    results.append({"from": {"id": one["id"]}, "to": to} | more)
            return {"status": "COMPLETE", "results": results}

        return act

    def _owners(self, asked: Asked) -> Any:
        limit, start = int(asked.query["limit"][0]), int(asked.query.get("after", ["0"])[0])
        _need(limit <= 500)
        more = self.owners[start + limit :]
        paging = {"paging": {"next": {"after": str(start + limit)}}} if more else {}
        return {"results": self.owners[start : start + limit]} | paging


def _need(rule: bool) -> None:
    if not rule:
        raise _Refused(400, "VALIDATION_ERROR")
