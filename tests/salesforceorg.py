"""A small Salesforce org on loopback: tokens that rotate and expire, SOQL over rows, its own words for errors."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from fakes import Asked, NewsServer, Reply

Row = dict[str, Any]

TOKEN_PATH = "/services/oauth2/token"
QUERY_PATH = "/services/data/v65.0/query/"
_LITERAL = r"'(?:[^'\\]|\\.)*'"
_NAME = r"[A-Za-z][A-Za-z0-9_]*"
_SELECT = re.compile(
    rf"SELECT (?P<fields>{_NAME}(?:\.{_NAME})?(?:, {_NAME}(?:\.{_NAME})?)*) FROM (?P<thing>{_NAME})"
    r" WHERE (?P<where>.+?)"
    r"(?: ORDER BY Name, Id)?",
    re.DOTALL,
)
_IN = re.compile(rf"({_NAME}) IN \(({_LITERAL}(?:,{_LITERAL})*)\)", re.DOTALL)
_LIKE = re.compile(rf"({_NAME}) LIKE ({_LITERAL})", re.DOTALL)
_RECENT = re.compile(r"\(IsClosed = false OR (\w+) >= ([0-9T:+-]+)\)")


class FakeOrg:
    """Rows by object; every field a row does not have is null, unless the org is told to lack it."""

    def __init__(self, server: NewsServer) -> None:
        self.server = server
        self.rows: dict[str, list[Row]] = {"Account": [], "Opportunity": [], "Case": []}
        self.lacking: set[str] = set()
        """``Object.Field`` or ``Object``."""
        self.page_size = 2_000
        self.usage = "api-usage=18/5000"
        self.token_lasts = 1_000_000
        """Calls an access token is good for."""
        self.rotates = True
        self.refresh_token = "refresh-0"
        self.instance = "https://acme.my.salesforce.com"
        self.spent: list[str] = []
        """Refresh tokens that came in, in order."""
        self.forms: list[dict[str, str]] = []
        self.queries: list[str] = []
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()
        server.serve(TOKEN_PATH, self.token)
        server.serve(QUERY_PATH, self.query)

    def account(self, number: int, name: str, **fields: Any) -> str:
        """Add an account; its id of 18 characters (the number has no capitals)."""
        key = f"001{number:012d}AAA"
        self.rows["Account"].append({"Id": key, "Name": name, **fields})
        return key

    def expire(self) -> None:
        """No access token is good any more."""
        self._left = dict.fromkeys(self._left, 0)

    def token(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        with self._lock:
            self.forms.append(form)
            if form["grant_type"] == "refresh_token":
                self.spent.append(form["refresh_token"])
                if form["refresh_token"] != self.refresh_token:
                    said = {"error": "invalid_grant", "error_description": "expired access/refresh token"}
                    return as_json(said, 400)
            access = f"access-{len(self._left)}"
            self._left[access] = self.token_lasts
            answer = {
                "access_token": access,
                "instance_url": self.instance,
                "id": "https://login.salesforce.com/id/00D/005",
                "issued_at": "1795000000000",
                "token_type": "Bearer",
                "scope": "api refresh_token",
            }
            if self.rotates and form["grant_type"] == "refresh_token":
                self.refresh_token = f"refresh-{len(self._left)}"
                answer["refresh_token"] = self.refresh_token
            return as_json(answer)

    def query(self, asked: Asked) -> Reply:
        if (refusal := self._refusal(asked)) is not None:
            return refusal
        [soql] = asked.query["q"]
        self.queries.append(soql)
        found = _SELECT.fullmatch(soql)
        if found is None:
            return error(400, "MALFORMED_QUERY", "unexpected token")
        thing, fields = found["thing"], found["fields"].split(", ")
        if thing in self.lacking:
            return error(400, "INVALID_TYPE", f"sObject type '{thing}' is not supported.")
        for field in [*fields, *re.findall(rf"({_NAME}) (?:IN|LIKE|>=) ", found["where"])]:
            if f"{thing}.{field}" in self.lacking:
                return error(
                    400,
                    "INVALID_FIELD",
                    f"ERROR at Row:1\nNo such column '{field}' on entity '{thing}'.",
                )
        meets = _condition(found["where"])
        if meets is None:
            return error(400, "MALFORMED_QUERY", f"unexpected token in {found['where']}")
        rows = [
            {"attributes": {"type": thing}, **_picked(row, fields)} for row in self.rows[thing] if meets(row)
        ]
        return self._page(rows, 0)

    def _page(self, rows: list[Row], start: int) -> Reply:
        stop = start + self.page_size
        page: dict[str, Any] = {
            "totalSize": len(rows),
            "done": stop >= len(rows),
            "records": rows[start:stop],
        }
        if not page["done"]:
            path = f"{QUERY_PATH}01g{len(self.queries)}-{stop}"
            self.server.serve(path, lambda asked: self._refusal(asked) or self._page(rows, stop))
            page["nextRecordsUrl"] = path
        return as_json(page, headers={"Sforce-Limit-Info": self.usage})

    def _refusal(self, asked: Asked) -> Reply | None:
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            left = self._left.get(token, 0)
            if left < 1:
                return error(401, "INVALID_SESSION_ID", "Session expired or invalid")
            self._left[token] = left - 1
        return None


def as_json(said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(said).encode()
    return Reply(body, status=status, media_type="application/json;charset=UTF-8", headers=headers or {})


def error(status: int, code: str, message: str = "words") -> Reply:
    return as_json([{"message": message, "errorCode": code}], status)


def _picked(row: Row, fields: list[str]) -> Row:
    picked: Row = {}
    for field in fields:
        name, _, inner = field.partition(".")
        if not inner:
            picked[name] = row.get(name)
        elif row.get(name) is None:
            picked[name] = None
        else:
            picked.setdefault(name, {"attributes": {"type": "User"}})[inner] = row[name].get(inner)
    return picked


def _condition(where: str) -> Callable[[Row], bool] | None:
    """What a condition of one of the forms we send means; None for any other text."""
    recent = _RECENT.search(where)
    if recent is not None and where.endswith(f" AND {recent[0]}"):
        first = _condition(where.removesuffix(f" AND {recent[0]}"))
        field, since = recent[1], recent[2][:10]
        return first and (
            lambda row: first(row) and (not row["IsClosed"] or str(row.get(field) or "")[:10] >= since)
        )
    if (found := _IN.fullmatch(where)) is not None:
        field = found[1]
        values = {_unquoted(literal).casefold() for literal in re.findall(_LITERAL, found[2], re.DOTALL)}
        return lambda row: str(row.get(field)).casefold() in values
    parts = where.removeprefix("(").removesuffix(")") if where.startswith("(") else where
    likes = [_LIKE.fullmatch(part) for part in parts.split(" OR ")]
    if not all(likes):
        return None
    patterns = [(like[1], _pattern(like[2])) for like in likes if like]
    return lambda row: any(wanted.fullmatch(str(row.get(field) or "")) for field, wanted in patterns)


def _unquoted(literal: str) -> str:
    meant = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
    return re.sub(r"\\(.)", lambda m: meant.get(m[1], m[1]), literal[1:-1], flags=re.DOTALL)


def _pattern(literal: str) -> re.Pattern[str]:
    text = re.sub(
        r"\\(.)|(%)|(_)|(.)",
        lambda m: ".*" if m[2] else "." if m[3] else re.escape(m[1] or m[4]),
        literal[1:-1],
        flags=re.DOTALL,
    )
    return re.compile(text, re.IGNORECASE | re.DOTALL)
