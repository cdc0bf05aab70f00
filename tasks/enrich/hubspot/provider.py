"""The CRM's protocol over HubSpot's objects."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from tasks.enrich.crm import About, Account, Case, CrmContext, CrmError, Opportunity, Record
from tasks.enrich.hubspot.api import BATCH, Api, MissingScope, Row, is_id
from tasks.enrich.hubspot.options import ABOUT, NAME, read_options
from tasks.enrich.hubspot.reading import (
    DEAL_PROPERTIES,
    TICKET_PROPERTIES,
    case,
    company,
    company_properties,
    currency_code,
    former_ids,
    opportunity,
)
from tasks.keys import KEY
from tasks.net.faults import Refused

LOG = logging.getLogger(__name__)

NEWEST_DEALS, NEWEST_TICKETS = 500, 200
"""Of each company; ids grow with time. Years of closed ones would cost a request a hundred."""
RECENT_DEALS, RECENT_TICKETS = timedelta(days=365), timedelta(days=90)
"""How long closed ones count."""

T = TypeVar("T")


class HubSpotCrm:
    """Companies are clients. Only the scope for companies is needed: what another scope would show stays unknown
    without it."""

    name: ClassVar[str] = NAME
    about: ClassVar[About] = ABOUT

    def __init__(self, context: CrmContext) -> None:
        self._options = read_options(context.options)
        key = context.credentials.read().get(KEY)
        if key is None or not key.get_secret_value().strip():
            raise CrmError("HubSpot: needs a service key; give it with client-monitor providers enable")
        self._api = Api(context, key, self._options.api_version)

    def records(self, accounts: Sequence[Account], as_of: datetime) -> Mapping[UUID, Record]:
        found = self._find(accounts)
        ids = {row.id for row in found.values()}
        deals = self._deals(ids, as_of)
        cases = self._cases(ids, as_of)
        owners = self._owners_of(found.values())
        return {
            key: company(
                row, self._options, owners, tuple(deals.get(row.id, ())), tuple(cases.get(row.id, ()))
            )
            for key, row in found.items()
        }

    def portfolio(self) -> Iterator[Record]:
        options = self._options
        customers = {
            "propertyName": options.customer_property,
            "operator": "EQ",
            "value": options.customer_value,
        }
        owners = self._owners
        for row in self._api.search("companies", [customers], company_properties(options)):
            yield company(row, options, owners)

    @cached_property
    def _owners(self) -> Mapping[str, tuple[str, str]]:
        """Name and e-mail of each owner by id."""
        return dict(map(_owner, _where_allowed(lambda: list(self._api.owners())) or ()))

    @cached_property
    def _currency(self) -> str | None:
        """That of deals which name none."""
        if self._options.currency:
            return self._options.currency
        try:
            return currency_code(self._api.account().get("companyCurrency"))
        except Refused as error:
            if error.status not in (403, 404):
                raise
            return None

    def _owners_of(self, rows: Iterable[Row]) -> Mapping[str, tuple[str, str]]:
        owned = any(row.properties.get("hubspot_owner_id") for row in rows)
        return self._owners if owned else {}

    def _find(self, accounts: Sequence[Account]) -> dict[UUID, Row]:
        """The company of each account: by its id; without one by its domain, else by its exact name."""
        numbered = [account for account in accounts if account.crm_id and is_id(account.crm_id)]
        by_id = self._by_id([account.crm_id or "" for account in numbered])
        found = {one.key: by_id[one.crm_id or ""] for one in numbered if one.crm_id in by_id}
        # An id that HubSpot does not have is an answer: a namesake must not take its place.
        rest = [account for account in accounts if account not in numbered]
        for field, value_of in _SEARCHED:
            rest = [account for account in rest if account.key not in found]
            candidates = self._by_value(field, {value_of(account) for account in rest})
            for account in rest:
                row = _the_one(account, candidates.get(value_of(account), ()))
                if row is not None:
                    found[account.key] = row
        return found

    def _by_id(self, ids: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for row in self._api.batch_read("companies", ids, company_properties(self._options)):
            found |= dict.fromkeys((*former_ids(row), row.id), row)
        return found

    def _by_value(self, field: str, values: Iterable[str]) -> dict[str, list[Row]]:
        """Companies by their ``field`` in small letters, which is how IN wants its values."""
        wanted = sorted({value for value in values if value})
        found: dict[str, list[Row]] = {}
        for start in range(0, len(wanted), BATCH):
            condition = {
                "propertyName": field,
                "operator": "IN",
                "values": wanted[start : start + BATCH],
            }
            for row in self._api.search("companies", [condition], company_properties(self._options)):
                found.setdefault(row.properties.get(field, "").strip().lower(), []).append(row)
        return found

    def _deals(self, companies: Iterable[str], as_of: datetime) -> dict[str, list[Opportunity]]:
        rows = self._of_companies("deals", companies, DEAL_PROPERTIES, NEWEST_DEALS)
        if any(not row.properties.get("deal_currency_code") for each in rows.values() for row in each):
            currency = self._currency
        else:
            currency = None
        first = (as_of - RECENT_DEALS).date()
        made = {
            key: [opportunity(row, self._options, currency) for row in each] for key, each in rows.items()
        }
        return {
            key: [deal for deal in deals if deal.is_open or (deal.close_on and deal.close_on >= first)]
            for key, deals in made.items()
        }

    def _cases(self, companies: Iterable[str], as_of: datetime) -> dict[str, list[Case]]:
        rows = self._of_companies("tickets", companies, TICKET_PROPERTIES, NEWEST_TICKETS)
        first = as_of - RECENT_TICKETS
        return {
            key: [one for one in map(case, each) if one.is_open or (one.opened_at and one.opened_at >= first)]
            for key, each in rows.items()
        }

    def _of_companies(
        self, kind: str, companies: Iterable[str], properties: Sequence[str], newest: int
    ) -> dict[str, list[Row]]:
        def ask() -> dict[str, list[Row]]:
            linked = self._api.associated("companies", kind, companies)
            kept = {key: sorted(ids, key=int)[-newest:] for key, ids in linked.items()}
            every = {one for ids in kept.values() for one in ids}
            rows = {row.id: row for row in self._api.batch_read(kind, every, properties)}
            return {key: [rows[one] for one in ids if one in rows] for key, ids in kept.items()}

        return _where_allowed(ask) or {}


_SEARCHED: tuple[tuple[str, Callable[[Account], str]], ...] = (
    ("domain", lambda account: (account.domain or "").strip().lower()),
    ("name", lambda account: account.name.strip().lower()),
)


def _the_one(account: Account, rows: Sequence[Row]) -> Row | None:
    """The company meant; None when several could be, or when its domain is another."""
    said = (account.domain or "").strip().lower()
    fitting = [row for row in rows if not said or (row.properties.get("domain") or said).lower() == said]
    if len(fitting) > 1:
        name = account.name.strip().casefold()
        fitting = [row for row in fitting if row.properties.get("name", "").strip().casefold() == name]
    return fitting[0] if len(fitting) == 1 else None


def _owner(said: Mapping[str, Any]) -> tuple[str, tuple[str, str]]:
    first, last, email = (str(said.get(name) or "").strip() for name in ("firstName", "lastName", "email"))
    return str(said.get("id")), (f"{first} {last}".strip() or email, email)


def _where_allowed(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except MissingScope as error:
        LOG.info("%s; what it would show stays unknown", error)
        return None
