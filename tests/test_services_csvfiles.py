"""CSV files as people send them."""

from pathlib import Path

import pytest

from services.csvfiles import Table, read_table, split_list
from services.errors import UserError


def read(tmp_path: Path, data: str | bytes, **columns: tuple[str, ...]) -> Table:
    path = tmp_path / "clients.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(path, **({"required": ("name",), "optional": ("aliases", "tier")} | columns))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_delimiter_and_line_end(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["Name", "Aliases", "TIER"], ["Acme", '"Acme Corp;ACME"', "growth"], ["Bolt", "", ""]]
    table = read(tmp_path, end.join(delimiter.join(row) for row in rows) + end)
    assert [row.cells for row in table.rows] == [
        {"name": "Acme", "aliases": "Acme Corp;ACME", "tier": "growth"},
        {"name": "Bolt", "aliases": "", "tier": ""},
    ]
    assert [row.number for row in table.rows] == [2, 3]
    assert table.faults == []


@pytest.mark.parametrize(
    ("encoding", "noted"), [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("cp1252", True)]
)
def test_encodings(tmp_path: Path, encoding: str, noted: bool) -> None:
    table = read(tmp_path, "name\nCrème Brûlée SA\n".encode(encoding))
    assert table.rows[0].cells == {"name": "Crème Brûlée SA"}
    assert bool(table.notes) is noted
    if noted:
        assert "clients.csv row 2: not UTF-8" in table.notes[0]


def test_header_names_are_forgiving_and_unknown_ones_are_told(tmp_path: Path) -> None:
    table = read(tmp_path, " NAME ,Legal-Name,Legal Note\nAcme,x,y\n", optional=("legal_name",))
    assert table.columns == ("name", "legal_name")
    assert table.notes == ["clients.csv: columns not used: legal_note"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "clients.csv is empty"),
        (b"\n \n", "clients.csv is empty"),
        (b"title,tier\nAcme,growth\n", "clients.csv row 1: column name is missing; found: title, tier"),
        (b"name,tier,Name\nAcme,growth,x\n", "clients.csv row 1: column name stands twice"),
        (b"PK\x03\x04rest", "clients.csv is a workbook, not a CSV file"),
        (b"name\nA\x00B\n", "clients.csv is not a text file"),
    ],
)
def test_a_file_of_no_use_is_refused_in_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, data)
    assert str(caught.value) == message
    assert caught.value.mend


def test_bad_rows_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    text = 'name,tier\nAcme,growth\nBolt,growth,and,more\n"Open,growth\nCask,\n\nDune\nFade,growth,,\n'
    table = read(tmp_path, text)
    assert [(row.number, row.cells["name"]) for row in table.rows] == [
        (2, "Acme"),
        (5, "Cask"),
        (7, "Dune"),
        (8, "Fade"),
    ]
    assert [str(fault) for fault in table.faults] == [
        "clients.csv row 3: 4 cells under 2 columns: put quotes around a cell with a comma in it",
        "clients.csv row 4: the row cannot be read: a quote is opened and not closed",
    ]


def test_a_cell_over_several_lines_keeps_the_row_numbers_right(tmp_path: Path) -> None:
    table = read(tmp_path, 'name,tier\n"Two\nlines",growth\nNext,growth\n')
    assert [(row.number, row.cells["name"]) for row in table.rows] == [(2, "Two lines"), (4, "Next")]


def test_control_characters_do_not_get_in(tmp_path: Path) -> None:
    assert read(tmp_path, "name\nAc\x1b[31mme\u200b \n").rows[0].cells == {"name": "Ac [31mme"}


def test_lists() -> None:
    assert split_list(" Acme ; ;ACME;Acme  Corp;") == ["Acme", "Acme Corp"]
    assert split_list("") == []
