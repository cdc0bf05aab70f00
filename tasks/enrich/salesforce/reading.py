"""Salesforce's rows as records. What cannot be read is left out, never guessed."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from tasks.enrich.crm import Account, Case, Opportunity, Record
from tasks.enrich.salesforce.options import Options

Row = Mapping[str, Any]

_ID = re.compile(r"001[A-Za-z0-9]{12}(?:[A-Z0-5]{3})?")
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_YEARS = range(1990, 2101)
"""Dates outside are slips of the keyboard."""
_URGENT = {"high", "critical", "urgent"}
_TEXT_MAX = 300


def account_id(text: str | None) -> str | None:
    """An account's id in its 18 characters, from 15 or 18; None for anything else.

    The last three say which of the 15 are capitals, five to a character: an id whose case got lost on its way
    through a spreadsheet does not pass, instead of naming another account.
    """
    if text is None or not _ID.fullmatch(text.strip()):
        return None
    short, given = text.strip()[:15], text.strip()[15:]
    suffix = "".join(
        _SUFFIX[
            sum(1 << place for place, letter in enumerate(short[start : start + 5]) if "A" <= letter <= "Z")
        ]
        for start in (0, 5, 10)
    )
    return short + suffix if given in ("", suffix) else None


def choose(account: Account, rows: Sequence[Row]) -> Row | None:
    """Which of these accounts is the client, which has no CRM id: the only one on its domain, else of its name.

    Of several on one domain (a group's subsidiaries) the one that has the name too. Where two would do equally, and
    where name and domain contradict each other, none is taken: no facts are better than another company's.
    """
    named = [row for row in rows if _same_name(account.name, text(row.get("Name")))]
    if account.domain:
        there = [row for row in rows if site_of(row.get("Website")) == account.domain.lower()]
        both = [row for row in there if row in named]
        for some in (both, there):
            if some:
                return some[0] if len(some) == 1 else None
        named = [row for row in named if site_of(row.get("Website")) is None]
    return named[0] if len(named) == 1 else None


def _same_name(one: str, other: str | None) -> bool:
    return other is not None and " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def record(
    row: Row, options: Options, opportunities: Sequence[Opportunity] = (), cases: Sequence[Case] = ()
) -> Record | None:
    """An account as a record; None when it has no id or name."""
    key, name = account_id(text(row.get("Id"))), text(row.get("Name"))
    if key is None or name is None:
        return None
    owner = row.get("Owner")
    owner = owner if isinstance(owner, Mapping) else {}
    active = day(row.get("LastActivityDate"))

    def own(field: str | None) -> Any:
        return row.get(field) if field else None

    return Record(
        crm_id=key,
        name=name,
        other_ids=(key[:15],),  # how it stands in addresses and reports, from where people copy it
        domain=site_of(row.get("Website")),
        industry=text(row.get("Industry")),
        ticker=text(row.get("TickerSymbol")),
        tier=text(own(options.tier_field)),
        health=text(own(options.health_field)),
        owner_name=text(owner.get("Name")),
        owner_email=text(owner.get("Email")),
        renewal_on=day(own(options.renewal_field)),
        last_activity_at=datetime.combine(active, time(), UTC) if active else None,
        opportunities=tuple(opportunities),
        cases=tuple(cases),
    )


def opportunity(row: Row, options: Options) -> Opportunity:
    """A deal; an org with one currency does not name it, so the option does."""
    code = text(row.get("CurrencyIsoCode"))
    return Opportunity(
        name=text(row.get("Name")) or "",
        stage=text(row.get("StageName")) or "",
        amount=number(row.get("Amount")),
        currency=code or options.currency,
        close_on=day(row.get("CloseDate")),
        is_open=row.get("IsClosed") is False,
        is_won=row.get("IsWon") is True,
        is_renewal=options.renewal_type.lower() in (text(row.get("Type")) or "").lower(),
    )


def case(row: Row) -> Case:
    return Case(
        opened_at=instant(row.get("CreatedDate")),
        is_open=row.get("IsClosed") is False,
        is_urgent=(text(row.get("Priority")) or "").lower() in _URGENT,
    )


def text(value: object) -> str | None:
    """A text or number without blanks around it, cut to a sane length; None for nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip()[:_TEXT_MAX] or None


def number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def day(value: object) -> date | None:
    """The date of a date or an instant."""
    if not isinstance(value, str):
        return None
    try:
        found = date.fromisoformat(value[:10])
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def instant(value: object) -> datetime | None:
    """Such as 2026-03-10T09:30:00.000+0000."""
    if not isinstance(value, str) or day(value) is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def site_of(website: object) -> str | None:
    """The bare host of a website as people type it; None where there is none."""
    if not isinstance(website, str) or not website.strip():
        return None
    address = website.strip() if "://" in website else f"//{website.strip()}"
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return None
    host = host.lower().rstrip(".").removeprefix("www.")
    return host if "." in host and len(host) <= 253 and " " not in host else None
