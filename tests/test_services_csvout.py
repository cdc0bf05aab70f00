"""Files for spreadsheets: whole, in any script, and never a formula."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from services.csvout import csv_bytes

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r\n"), max_size=12)


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_table_comes_back_as_it_was() -> None:
    data = csv_bytes(["a", "b"], [['Größe, "x"', 3], [None, "two\nlines"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert read(data) == [["a", "b"], ['Größe, "x"', "3"], ["", "two\nlines"]]


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=5))
def test_no_cell_begins_like_a_formula_and_none_is_lost(table: list[list[str]]) -> None:
    told = read(csv_bytes(["a", "b"], table))[1:]
    assert not [cell for row in told for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    assert [[cell.removeprefix("'") for cell in row] for row in told] == [
        [cell.removeprefix("'") for cell in row] for row in table
    ]
