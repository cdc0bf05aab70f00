"""CSV as people really send it: any common delimiter and encoding, rows with faults named and left out."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydantic

from services.errors import UserError
from services.explain import plain_message

_DELIMITERS = ",;\t|"
_HOW_TO_SAVE = 'save it as "CSV UTF-8", with the column names in the first row'


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one row, as a person can find it: file, row (the header is row 1), field."""

    file: str
    row: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file} row {self.row}"
        return f"{place}, {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by column; only columns the file has, trimmed, empty as ``""``."""

    number: int
    cells: dict[str, str]

    def parts(self, column: str) -> list[str]:
        """A cell that holds several values, separated by semicolons; blanks and repeats left out."""
        return split_list(self.cells.get(column, ""))


@dataclass(slots=True)
class Table:
    """What could be read, and what could not."""

    file: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """About the file as a whole: columns nobody asked for, an encoding that had to be guessed."""

    def fault(self, row: Row, column: str, message: str) -> Fault:
        """Name a fault and keep it."""
        found = Fault(self.file, row.number, column, message)
        self.faults.append(found)
        return found

    def validation_faults(self, row: Row, error: pydantic.ValidationError, offered: Sequence[str]) -> None:
        """Keep pydantic's verdict on a row as faults named by ``offered`` columns."""
        for fault in error.errors(include_url=False, include_context=False):
            where = str(fault["loc"][0]) if fault["loc"] else ""
            self.fault(row, where if where in offered else "", plain_message(fault["msg"]))


def split_list(text: str) -> list[str]:
    """Values separated by semicolons, each once (whatever its case), in order."""
    seen: dict[str, str] = {}
    for part in text.split(";"):
        value = " ".join(part.split())
        if value:
            seen.setdefault(value.casefold(), value)
    return list(seen.values())


def read_table(path: Path, *, required: Sequence[str], optional: Sequence[str]) -> Table:
    """The file's rows. Raises UserError when nothing in it can be used; single bad rows become faults.

    Column names are compared without case, with spaces and dashes as underscores.
    """
    file = path.name
    text, notes = _decode(path)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        raise UserError(f"{file} is empty", _HOW_TO_SAVE)
    delimiter, columns = _header(lines[head], (*required, *optional))
    missing = [name for name in required if name not in columns]
    if missing:
        raise UserError(
            f"{file} row {head + 1}: column {', '.join(missing)} is missing; found: {', '.join(columns)}",
            _HOW_TO_SAVE,
        )
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        raise UserError(
            f"{file} row {head + 1}: column {', '.join(repeated)} stands twice", "keep one of them"
        )
    known = (*required, *optional)
    ignored = [name for name in columns if name and name not in known]
    if ignored:
        notes.append(f"{file}: columns not used: {', '.join(ignored)}")
    table = Table(file, tuple(name for name in columns if name in known), notes=notes)
    for number, cells in _records(lines, head + 1, delimiter):
        if isinstance(cells, str):
            table.faults.append(Fault(file, number, "", cells))
        elif any(cell.strip() for cell in cells):
            _add(table, number, columns, cells)
    return table


def _add(table: Table, number: int, columns: Sequence[str], cells: list[str]) -> None:
    if any(cell.strip() for cell in cells[len(columns) :]):
        message = (
            f"{len(cells)} cells under {len(columns)} columns: put quotes around a cell with a comma in it"
        )
        table.faults.append(Fault(table.file, number, "", message))
        return
    padded = cells + [""] * (len(columns) - len(cells))
    pairs = zip(columns, padded, strict=False)
    kept = {name: _clean(cell) for name, cell in pairs if name in table.columns}
    table.rows.append(Row(number, kept))


def _clean(cell: str) -> str:
    """Trimmed, on one line, without control characters (PostgreSQL refuses NUL)."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff]", " ", cell).split())


def _decode(path: Path) -> tuple[str, list[str]]:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), []
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(f"{path.name} is a workbook, not a CSV file", _HOW_TO_SAVE)
    if b"\x00" in data:
        raise UserError(f"{path.name} is not a text file", _HOW_TO_SAVE)
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        note = f"{path.name} row {row}: not UTF-8, read as Windows-1252; check names with accents"
        return data.decode("cp1252", errors="replace"), [note]


def _header(line: str, known: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter under which the first row has the most known names, and its names under it."""
    best: tuple[int, str, list[str]] = (-1, ",", [])
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        names = [re.sub(r"[\s-]+", "_", _clean(cell).lower()) for cell in cells]
        hits = sum(name in known for name in names)
        if hits > best[0]:
            best = (hits, delimiter, names)
    return best[1], best[2]


def _records(lines: list[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(row number, cells), or (row number, what is wrong with it).

    A quote that is never closed would swallow the rest of the file: only its first line is given up.
    """
    while start < len(lines):
        reader = csv.reader((line + "\n" for line in lines[start:]), delimiter=delimiter, strict=True)
        done = 0
        try:
            for cells in reader:
                yield start + done + 1, cells
                done = reader.line_num
            return
        except csv.Error as error:
            cause = "a quote is opened and not closed" if "end of data" in str(error) else str(error)
            yield start + done + 1, f"the row cannot be read: {cause}"
            start += done + 1
