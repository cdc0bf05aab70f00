"""Clients from a CSV file, in three steps: the file, what its columns mean, what would come of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from services.client_import import (
    FIELDS,
    MAX_BYTES,
    MAX_ROWS,
    ImportReport,
    RowLine,
    guess,
    import_sheet,
    preview_sheet,
    read_upload,
    template,
)
from services.crm_import import Change, Outcome
from services.csvfiles import Sheet
from services.csvout import csv_bytes
from services.signin import Viewer
from ui.parts.layout import done, heading, told
from ui.parts.words import counted, plain, words
from ui.views.client_words import OUTCOMES

_DONE = "clients-imported"
_LABELS = {
    "name": "Name (needed)",
    "aliases": "Other names",
    "domain": "Web site or domain",
    "excluded_terms": "Not about it, where a text says",
    "crm_id": "CRM id",
    "assigned_to": "Looked after by (e-mail addresses)",
}
_NONE = -1
_HEIGHT = 420


def page(viewer: Viewer, *, back: Callable[[], None]) -> None:
    """The page; ``back`` leads to the table of clients."""
    if st.button("Back to the clients", icon=":material/arrow_back:", type="tertiary"):
        st.session_state.pop(_DONE, None)
        back()
    heading(
        "Import clients from a CSV file", "Nothing is written before you have seen what would come of it."
    )
    report = st.session_state.get(_DONE)
    if report is not None:
        _finished(report, back)
        return
    sheet = _file()
    if sheet is None:
        return
    st.header("2. What the columns mean", anchor=False)
    columns = _columns(sheet)
    st.header("3. What would come of it", anchor=False)
    with told():
        _preview(viewer, sheet, columns)


def _file() -> Sheet | None:
    st.header("1. The file", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        upload = st.file_uploader(
            "A CSV file with column names in its first row",
            type=["csv", "txt", "tsv"],
            key="clients-csv",
            max_upload_size=-(-MAX_BYTES // 1_000_000),
            width=560,
        )
        st.download_button(
            "A template to fill in",
            template(),
            file_name="clients-template.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(
        f"At most {MAX_BYTES // 1_000_000} MB and {MAX_ROWS:,} rows; comma, semicolon, tab or | between cells. Lists "
        "(other names, keywords …) are separated by semicolons. A client that is known by its CRM id or name is "
        "brought up to date: importing a file twice changes nothing."
    )
    if upload is None:
        return None
    with told():
        return read_upload(upload.name, upload.getvalue())
    return None


def _columns(sheet: Sheet) -> dict[str, int]:
    """Field → number of the column, as detected or as somebody changed it."""
    guessed = guess(sheet)
    options = [_NONE, *range(len(sheet.columns))]
    st.caption(
        f"Found {counted(len(sheet.columns), 'column')}, of which {len(guessed)} are recognised. A field without a "
        "column is left as it is. An empty cell under a column empties the field."
    )
    chosen: dict[str, int] = {}
    with st.container(key="import-columns"):
        places = st.columns(3)
        for number, field in enumerate(FIELDS):
            with places[number % 3]:
                column = st.selectbox(
                    _LABELS.get(field, words(field)),
                    options,
                    index=options.index(guessed.get(field, _NONE)),
                    format_func=lambda at: "no column" if at == _NONE else _named(sheet, at),
                    key=f"import-{field}-{hash(sheet.columns)}",
                )
                if column != _NONE:
                    chosen[field] = column
                    st.caption(", ".join(plain(value[:40]) for value in sheet.samples(column, 2)) or "empty")
    unused = [name for at, name in enumerate(sheet.columns) if at not in chosen.values() and name]
    if unused:
        shown = ", ".join(plain(name[:40]) for name in unused[:12])
        st.caption(f"Not used: {shown}{' …' if len(unused) > 12 else ''}")
    return chosen


def _named(sheet: Sheet, column: int) -> str:
    return sheet.columns[column][:60] or f"column {column + 1}"


def _preview(viewer: Viewer, sheet: Sheet, columns: Mapping[str, int]) -> None:
    report = preview_sheet(viewer.scope, sheet, columns)
    _counts(report)
    _rows(report.lines)
    if not report.changes_something:
        st.info("There is nothing to write: every good row is as it stands here.", icon=":material/check:")
        return
    label = f"Import {counted(len(report.created) + len(report.updated), 'client')}"
    left = " Rows that were left out are not imported; mend them and import the file again." * bool(
        report.faults
    )
    st.caption(f"New clients are looked for from the next run on.{left}")
    if st.button(label, type="primary", icon=":material/upload:"):
        _carry_out(viewer, sheet, columns)


def _carry_out(viewer: Viewer, sheet: Sheet, columns: Mapping[str, int]) -> None:
    bar = st.progress(0.0, "Importing …")

    def on_row(number: int, of: int) -> None:
        if number % 25 == 0 or number == of:
            bar.progress(number / of, f"{number:,} of {counted(of, 'row')}")

    with told():
        st.session_state[_DONE] = import_sheet(viewer.scope, sheet, columns, on_row=on_row)
        done("The clients are imported")
        st.rerun()
    bar.empty()


def _counts(report: ImportReport) -> None:
    refused = sum(line.outcome is Outcome.REFUSED for line in report.lines)
    with st.container(horizontal=True, gap="large"):
        for label, value in (
            ("New", len(report.created)),
            ("Changed", len(report.updated)),
            ("As they were", len(report.unchanged)),
            ("Left out", refused),
        ):
            st.metric(label, f"{value:,}", width="content")
    if report.invited:
        shown = ", ".join(plain(address) for address in report.invited[:6])
        more = f" and {len(report.invited) - 6} more" if len(report.invited) > 6 else ""
        st.info(
            "People who are nobody here yet come in as managers, and cannot sign in until you invite them (Settings): "
            f"{shown}{more}.",
            icon=":material/person_add:",
        )
    for note in report.notes[:3]:
        st.caption(f":material/info: {plain(note)}")
    if len(report.notes) > 3:
        st.caption(f"{len(report.notes) - 3:,} more remarks stand beside their rows.")


def _rows(lines: Sequence[RowLine]) -> None:
    kinds = [outcome for outcome in Outcome if any(line.outcome is outcome for line in lines)]
    if len(kinds) > 1:
        shown = st.segmented_control(
            "Show",
            ["All", *(OUTCOMES[kind] for kind in kinds)],
            default="All",
            required=True,
            key="import-show",
        )
        lines = [line for line in lines if shown in ("All", OUTCOMES[line.outcome])]
    cells: dict[str, list[Any]] = {"Row": [], "Client": [], "What": [], "Details": []}
    for line in lines:
        cells["Row"].append(line.row)
        cells["Client"].append(line.name)
        cells["What"].append([OUTCOMES[line.outcome]])
        cells["Details"].append(details(line))
    st.dataframe(
        cells,
        hide_index=True,
        height=min(_HEIGHT, 35 * (len(lines) + 1) + 3),
        column_config={
            "Row": st.column_config.NumberColumn(width=52, format="%d"),
            "Client": st.column_config.TextColumn(width=180),
            "What": st.column_config.MultiselectColumn(
                options=list(OUTCOMES.values()), color=["green", "blue", "gray", "red"], width=104
            ),
            "Details": st.column_config.TextColumn(width=560),
        },
        alt="What would come of each row",
    )


def details(line: RowLine) -> str:
    """A row's changes, or what is wrong with it, in a line."""
    if line.outcome is Outcome.NEW:
        told = [f"{words(one.field).lower()}: {one.after}" for one in line.changes if one.field != "name"]
    else:
        told = [_changed(one) for one in line.changes]
    return "; ".join((*line.notes, *told))


def _changed(change: Change) -> str:
    return f"{words(change.field).lower()}: {change.before or 'empty'} → {change.after or 'empty'}"


def _finished(report: ImportReport, back: Callable[[], None]) -> None:
    st.success(
        f"{counted(len(report.created), 'client')} new, {len(report.updated):,} changed, "
        f"{len(report.unchanged):,} as they were.",
        icon=":material/check_circle:",
    )
    _counts(report)
    if report.faults:
        st.subheader("What was left out", anchor=False)
        st.download_button(
            "Download the faults",
            csv_bytes(
                ("row", "field", "fault"),
                [(fault.row, fault.field, fault.message) for fault in report.faults],
            ),
            file_name="clients-left-out.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        _rows([line for line in report.lines if line.outcome is Outcome.REFUSED])
    with st.container(horizontal=True):
        if st.button("Go to the clients", type="primary"):
            st.session_state.pop(_DONE, None)
            back()
        if st.button("Import another file"):
            st.session_state.pop(_DONE, None)
            st.rerun()
