"""The columns of a file of clients: what ours are called elsewhere, and how big a file may be."""

from collections.abc import Mapping

from services.clients import ClientFields
from services.csvfiles import Sheet, read_sheet
from services.csvout import csv_bytes
from services.errors import UserError

ASSIGNED_TO = "assigned_to"
FIELDS = (*ClientFields.model_fields, ASSIGNED_TO)
"""What a column may hold, in the order of the template."""
MAX_BYTES = 5_000_000
MAX_ROWS = 5_000
_SPLIT = "split it into several files"

_CALLED: Mapping[str, str] = {
    "name": "client, client name, company, company name, account, account name, customer, customer name, "
    "organisation, organization, firma, nom, nombre, empresa, société, kunde",
    "legal_name": "legal entity, registered name, full name, official name, legal company name",
    "aliases": "alias, also known as, aka, other names, trading as, trading names, dba, brands, short name",
    "domain": "website, web site, url, homepage, web, company domain, company domain name, website url, site",
    "ticker": "ticker symbol, symbol, stock symbol, stock ticker",
    "excluded_terms": "excluded, excluded words, exclude, exclusions, negative keywords, not about, stop words",
    "keywords": "keyword, topics, tags, context words, products",
    "industry": "sector, vertical, branche, line of business",
    "tier": "segment, priority, account tier, client tier, class, category, level, importance",
    "crm_id": "id, account id, customer id, client id, salesforce id, hubspot id, record id, crm, company id",
    "confidential": "secret, private, restricted, nda",
    ASSIGNED_TO: "owner, account owner, account manager, owner email, manager, assigned, assignee, assignees, "
    "responsible, relationship manager, csm, owner e mail, account owner email, email, e mail",
}
_FIELD_OF = {
    **{word: field for field, words in _CALLED.items() for word in words.split(", ")},
    **{field.replace("_", " "): field for field in FIELDS},
}
_EXAMPLES: tuple[dict[str, str], ...] = (
    {
        "name": "Brightwater Robotics",
        "legal_name": "Brightwater Robotics, Inc.",
        "aliases": "Brightwater",
        "domain": "brightwater-robotics.example.com",
        "ticker": "BWRX",
        "keywords": "automation; warehouse robots",
        "industry": "Industrial automation",
        "tier": "strategic",
        "crm_id": "C-001",
        "confidential": "no",
        ASSIGNED_TO: "maria@example.com",
    },
    {
        "name": "Harbor",
        "legal_name": "Harbor Payments Ltd",
        "aliases": "Harbor Payments",
        "domain": "harbor-payments.example.com",
        "excluded_terms": "Pearl Harbor; harbor seal",
        "keywords": "payments; card; fintech",
        "industry": "Payments",
        "tier": "growth",
        "crm_id": "C-002",
        "confidential": "no",
        ASSIGNED_TO: "maria@example.com; tom@example.com",
    },
)


def read_upload(file: str, data: bytes) -> Sheet:
    """A file that somebody uploaded. UserError when it is too big, has too many rows, or is no CSV file."""
    if len(data) > MAX_BYTES:
        size, most = len(data) / 1_000_000, MAX_BYTES / 1_000_000
        raise UserError(f"{file} has {size:.1f} MB, and {most:.0f} MB are the most", _SPLIT)
    sheet = read_sheet(file, data, FIELDS)
    rows = sum(1 for line in sheet.lines[sheet.head :] if line.strip())
    if rows > MAX_ROWS:
        raise UserError(f"{file} has {rows:,} rows, and {MAX_ROWS:,} are the most", _SPLIT)
    if not rows:
        raise UserError(f"{file} has column names and no rows below them", "add a row for each client")
    return sheet


def guess(sheet: Sheet) -> dict[str, int]:
    """Which column holds which field, by what it is called: field → number of the column. Ours go first."""
    names = [" ".join(name.replace("_", " ").replace("-", " ").split()) for name in sheet.names]
    found: dict[str, int] = {}
    for number, name in enumerate(names):
        if name.replace(" ", "_") in FIELDS:
            found.setdefault(name.replace(" ", "_"), number)
    for number, name in enumerate(names):
        field = _FIELD_OF.get(name)
        if field is not None and number not in found.values():
            found.setdefault(field, number)
    return {field: found[field] for field in FIELDS if field in found}


def template() -> bytes:
    """A CSV file with every column and two invented clients, to be written over."""
    return csv_bytes(FIELDS, ([row.get(field) for field in FIELDS] for row in _EXAMPLES))
