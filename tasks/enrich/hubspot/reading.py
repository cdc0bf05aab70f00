"""HubSpot's strings as values. What cannot be read is left out, never guessed."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from tasks.enrich.crm import Case, Opportunity, Record
from tasks.enrich.hubspot.api import Row, is_id
from tasks.enrich.hubspot.options import Options

DEAL_PROPERTIES = (
    "dealname",
    "dealstage",
    "pipeline",
    "dealtype",
    "amount",
    "deal_currency_code",
    "closedate",
    "hs_is_closed",
    "hs_is_closed_won",
)
TICKET_PROPERTIES = ("createdate", "closed_date", "hs_ticket_priority")
_URGENT = {"HIGH", "URGENT"}

_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_EPOCH_MS = re.compile(r"\d{12,13}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_YEARS = range(1990, 2101)
"""Dates outside are slips of the keyboard."""


def company_properties(options: Options) -> tuple[str, ...]:
    """What is asked of a company."""
    own = (
        options.tier_property,
        options.health_property,
        options.renewal_property,
        options.ticker_property,
    )
    return (
        "name",
        "domain",
        "industry",
        "hubspot_owner_id",
        "notes_last_updated",
        "hs_merged_object_ids",
        *(name for name in own if name),
    )


def company(
    row: Row,
    options: Options,
    owners: Mapping[str, tuple[str, str]],
    opportunities: tuple[Opportunity, ...] = (),
    cases: tuple[Case, ...] = (),
) -> Record:
    """A company as a record; ``owners`` gives name and e-mail by owner id."""
    said = row.properties
    owner_name, owner_email = owners.get(said.get("hubspot_owner_id", ""), ("", ""))
    return Record(
        crm_id=row.id,
        name=_text(said, "name") or "",
        other_ids=former_ids(row),
        domain=_text(said, "domain"),
        industry=_industry(said.get("industry", "")),
        ticker=_text(said, options.ticker_property),
        tier=_text(said, options.tier_property),
        health=_text(said, options.health_property),
        owner_name=owner_name or None,
        owner_email=owner_email or None,
        renewal_on=day(said.get(options.renewal_property or "")),
        last_activity_at=instant(said.get("notes_last_updated")),
        opportunities=opportunities,
        cases=cases,
    )


def former_ids(row: Row) -> tuple[str, ...]:
    """The companies that were merged into this one."""
    each = (one.strip() for one in row.properties.get("hs_merged_object_ids", "").split(";"))
    return tuple(one for one in each if is_id(one) and one != row.id)


def opportunity(row: Row, options: Options, currency: str | None) -> Opportunity:
    """A deal; ``currency`` is that of deals which name none."""
    said = row.properties
    own = said.get("deal_currency_code", "").strip().upper()
    marks = {said.get(name, "").strip().casefold() for name in ("dealtype", "pipeline")}
    return Opportunity(
        name=said.get("dealname", ""),
        stage=said.get("dealstage", ""),
        amount=amount(said.get("amount")),
        currency=own if _CURRENCY.fullmatch(own) else currency,
        close_on=day(said.get("closedate")),
        is_open=said.get("hs_is_closed") != "true",
        is_won=said.get("hs_is_closed_won") == "true",
        is_renewal=options.renewal_deals.casefold() in marks,
    )


def case(row: Row) -> Case:
    """A ticket; one that was closed and opened again has no date of closing."""
    said = row.properties
    return Case(
        opened_at=instant(said.get("createdate")),
        is_open=not said.get("closed_date"),
        is_urgent=said.get("hs_ticket_priority", "").upper() in _URGENT,
    )


def amount(text: str | None) -> float | None:
    """A plain decimal number; grouped digits, signs of currency and exponents are not guessed at."""
    text = (text or "").strip()
    return float(text) if _AMOUNT.fullmatch(text) else None


def instant(text: str | None) -> datetime | None:
    """ISO 8601, or milliseconds since 1970; UTC where no zone is named."""
    text = (text or "").strip()
    try:
        if _EPOCH_MS.fullmatch(text):
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
        else:
            at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def day(text: str | None) -> date | None:
    """The day of an instant or of a bare date, in UTC as HubSpot keeps its date properties."""
    at = instant(text)
    return at.date() if at else None


def currency_code(value: object) -> str | None:
    """An ISO 4217 code, or None."""
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def _text(said: Mapping[str, str], name: str | None) -> str | None:
    return (said.get(name or "") or "").strip() or None


def _industry(text: str) -> str | None:
    """HubSpot's own industries are written COMPUTER_SOFTWARE."""
    words = text.strip()
    if re.fullmatch(r"[A-Z_&,]+", words) and "_" in words:
        words = words.replace("_", " ").capitalize()
    return words or None
