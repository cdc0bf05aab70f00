"""CSV that spreadsheets open as what it is: text, never a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


Rows = Iterable[Sequence[object]]


def csv_bytes(columns: Sequence[str], rows: Rows) -> bytes:
    """The table as UTF-8 with a byte order mark, by which spreadsheets know the encoding; None is empty."""
    return b"".join(csv_pieces(columns, [rows]))


def csv_pieces(columns: Sequence[str], batches: Iterable[Rows]) -> Iterator[bytes]:
    """The same table in pieces: its head, then one for each batch of rows."""
    yield _text([columns]).encode("utf-8-sig")
    for rows in batches:
        yield _text([_cell(value) for value in row] for row in rows).encode()


def _text(rows: Rows) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """A cell that a spreadsheet would calculate is marked as text (OWASP, CSV injection)."""
    if isinstance(value, str) and value.startswith(_STARTS_FORMULA):
        return f"'{value}"
    return "" if value is None else value
