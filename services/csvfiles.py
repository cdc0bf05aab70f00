"""CSV as people really send it: any common delimiter and encoding, rows with faults named and left out."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pydantic

from services.errors import UserError
from services.explain import plain_message

_DELIMITERS = ",;\t|"
_FORMULA = ("=", "+", "-", "@")
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as text, before anybody has said what its columns mean."""

    file: str
    columns: tuple[str, ...]
    """The first row's cells as they are written."""
    head: int
    """The number of the row they stand in."""
    delimiter: str
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names without case, with spaces and dashes as underscores."""
        return tuple(re.sub(r"[\s-]+", "_", column.lower()) for column in self.columns)

    def samples(self, column: int, most: int = 3) -> list[str]:
        """The first values of a column that say something."""
        found: list[str] = []
        for _, cells in _records(self.lines, self.head, self.delimiter):
            if not isinstance(cells, str) and column < len(cells) and (value := _clean(cells[column])):
                found.append(value)
            if len(found) == most:
                break
        return found


def read_sheet(file: str, data: bytes, known: Sequence[str] = ()) -> Sheet:
    """The file's columns and lines, by the delimiter under which most ``known`` names stand in its first row.

    UserError when it is no text, or empty.
    """
    text, notes = _decode(file, data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is None:
        raise UserError(f"{file} is empty", _HOW_TO_SAVE)
    delimiter, columns = _header(lines[head], known)
    return Sheet(file, columns, head + 1, delimiter, tuple(lines), tuple(notes))


def read_table(path: Path, *, required: Sequence[str], optional: Sequence[str]) -> Table:
    """The file's rows. Raises UserError when nothing in it can be used; single bad rows become faults.

    Column names are compared without case, with spaces and dashes as underscores.
    """
    known = (*required, *optional)
    sheet = read_sheet(path.name, path.read_bytes(), known)
    file, place, columns = sheet.file, f"{sheet.file} row {sheet.head}", sheet.names
    missing = [name for name in required if name not in columns]
    if missing:
        raise UserError(
            f"{place}: column {', '.join(missing)} is missing; found: {', '.join(columns)}", _HOW_TO_SAVE
        )
    repeated = sorted({name for name in columns if name and columns.count(name) > 1})
    if repeated:
        raise UserError(f"{place}: column {', '.join(repeated)} stands twice", "keep one of them")
    table = table_of(sheet, {name: number for number, name in enumerate(columns) if name in known})
    ignored = [name for name in columns if name and name not in known]
    if ignored:
        table.notes.append(f"{file}: columns not used: {', '.join(ignored)}")
    return table


def table_of(sheet: Sheet, columns: Mapping[str, int]) -> Table:
    """The sheet's rows under other names: ``columns`` says which of its columns holds each."""
    table = Table(sheet.file, tuple(columns), notes=list(sheet.notes))
    for number, cells in _records(sheet.lines, sheet.head, sheet.delimiter):
        if isinstance(cells, str):
            table.faults.append(Fault(sheet.file, number, "", cells))
        elif any(cell.strip() for cell in cells):
            _add(table, number, len(sheet.columns), cells, columns)
    return table


def _add(table: Table, number: int, width: int, cells: list[str], columns: Mapping[str, int]) -> None:
    if any(cell.strip() for cell in cells[width:]):
        message = f"{len(cells)} cells under {width} columns: put quotes around a cell with a comma in it"
        table.faults.append(Fault(table.file, number, "", message))
        return
    padded = cells + [""] * (width - len(cells))
    table.rows.append(Row(number, {name: _clean(padded[column]) for name, column in columns.items()}))


def _clean(cell: str) -> str:
    """Trimmed, on one line, without control characters (PostgreSQL refuses NUL).

    An apostrophe that marks a would-be formula as text, as ``services.csvout`` writes it, is not part of it.
    """
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200b\ufeff]", " ", cell).split())
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


def _decode(file: str, data: bytes) -> tuple[str, list[str]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), []
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(f"{file} is a workbook, not a CSV file", _HOW_TO_SAVE)
    if b"\x00" in data:
        raise UserError(f"{file} is not a text file", _HOW_TO_SAVE)
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        note = f"{file} row {row}: not UTF-8, read as Windows-1252; check names with accents"
        return data.decode("cp1252", errors="replace"), [note]


def _header(line: str, known: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The delimiter under which the first row has the most known names, then the most cells; and those cells."""
    best: tuple[tuple[int, int], str, tuple[str, ...]] = ((-1, 0), ",", ())
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        columns = tuple(_clean(cell) for cell in cells)
        hits = sum(re.sub(r"[\s-]+", "_", column.lower()) in known for column in columns)
        if (hits, len(columns)) > best[0]:
            best = ((hits, len(columns)), delimiter, columns)
    return best[1], best[2]


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
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
