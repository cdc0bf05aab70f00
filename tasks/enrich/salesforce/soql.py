"""Queries as text. Values go in through ``format_soql`` alone; names of fields are identifiers, checked before."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote_plus

from simple_salesforce.format import format_soql

ROOM = 3_900
"""Bytes, URL-encoded, that the values of one query may take. It keeps the condition under SOQL's old 4,000 characters
whatever the API version, and the address (a query is a GET) far under the 16 KB that Salesforce accepts."""


def select(thing: str, fields: Sequence[str], where: str) -> str:
    """The query; ``where`` has its values in it already."""
    return f"SELECT {', '.join(fields)} FROM {thing} WHERE {where}"  # noqa: S608  (no SQL, and no value)


def is_in(field: str, values: Iterable[str]) -> Iterator[str]:
    """Conditions that the field is one of these values, as many as it takes."""
    for some in _packed(format_soql("{}", value) for value in sorted(set(values))):
        yield f"{field} IN ({','.join(some)})"


def contains(field: str, values: Iterable[str]) -> Iterator[str]:
    """Conditions that one of these values stands somewhere in the field."""
    for some in _packed(
        format_soql("{:literal} LIKE '%{:like}%'", field, value) for value in sorted(set(values))
    ):
        yield f"({' OR '.join(some)})"


def _packed(parts: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for part in parts:
        length = len(quote_plus(part)) + len("+OR+")
        if some and size + length > ROOM:
            yield some
            some, size = [], 0
        some.append(part)
        size += length
    if some:
        yield some
