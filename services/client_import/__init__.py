"""Clients from a CSV file: good rows go in, each fault is one line naming file, row and field.

A client is known again by its CRM id, then by its name whatever its case, so that importing a file twice
changes nothing. A column the file has is the truth, an empty cell included; a column it lacks leaves what is
stored. Assignments change only for rows that name somebody.
"""

from services.client_import.columns import FIELDS, MAX_BYTES, MAX_ROWS, guess, read_upload, template
from services.client_import.importing import import_clients, import_sheet, preview_sheet
from services.client_import.report import ImportReport, RowLine

__all__ = [
    "FIELDS",
    "MAX_BYTES",
    "MAX_ROWS",
    "ImportReport",
    "RowLine",
    "guess",
    "import_clients",
    "import_sheet",
    "preview_sheet",
    "read_upload",
    "template",
]
