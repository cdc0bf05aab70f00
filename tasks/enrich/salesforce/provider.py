"""The CRM's protocol over Salesforce's objects."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

from simple_salesforce.format import format_soql

from tasks.enrich.crm import About, Account, CrmContext, CrmError, Record
from tasks.enrich.salesforce import soql
from tasks.enrich.salesforce.faults import Lacking
from tasks.enrich.salesforce.options import ABOUT, NAME, read_options
from tasks.enrich.salesforce.org import Org
from tasks.enrich.salesforce.reading import Row, account_id, case, choose, opportunity, record, text

LOG = logging.getLogger(__name__)

RECENT_DEALS, RECENT_CASES = timedelta(days=365), timedelta(days=90)
"""How long closed ones count."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Thing:
    """An object and its fields. Editions, profiles and single-currency orgs lack some of them."""

    name: str
    required: tuple[str, ...]
    wanted: tuple[str, ...]
    is_required: bool = False

    def without(self, lacking: set[str]) -> list[str]:
        return [*self.required, *(field for field in self.wanted if f"{self.name}.{field}" not in lacking)]


_ACCOUNT = _Thing(
    "Account",
    ("Id", "Name"),
    ("Website", "Industry", "TickerSymbol", "LastActivityDate", "Owner.Name", "Owner.Email"),
    is_required=True,
)
_DEAL = _Thing(
    "Opportunity",
    ("AccountId", "Name", "IsClosed"),
    ("StageName", "Amount", "CurrencyIsoCode", "CloseDate", "IsWon", "Type"),
)
_CASE = _Thing("Case", ("AccountId", "IsClosed"), ("CreatedDate", "Priority"))


class SalesforceCrm:
    """Accounts are clients. What the org lacks is asked for once, and then left out."""

    name: ClassVar[str] = NAME
    about: ClassVar[About] = ABOUT

    def __init__(self, context: CrmContext) -> None:
        self._options = read_options(context.options)
        self._org = Org(context, self._options)
        self._lacking: set[str] = set()

    def records(self, accounts: Sequence[Account], as_of: datetime) -> Mapping[UUID, Record]:
        self._org.ensure_room()
        found = self._find(accounts)
        ids = {str(row["Id"]) for row in found.values()}
        deals = self._of_accounts(
            _DEAL,
            ids,
            format_soql("(IsClosed = false OR CloseDate >= {})", (as_of - RECENT_DEALS).date()),
            lambda row: opportunity(row, self._options),
        )
        cases = self._of_accounts(
            _CASE, ids, format_soql("(IsClosed = false OR CreatedDate >= {})", as_of - RECENT_CASES), case
        )
        made = {
            key: record(row, self._options, deals.get(str(row["Id"]), ()), cases.get(str(row["Id"]), ()))
            for key, row in found.items()
        }
        return {key: one for key, one in made.items() if one is not None}

    def portfolio(self) -> Iterator[Record]:
        types = self._options.customer_types
        for condition in soql.is_in("Type", types) if types else ("Type LIKE 'Customer%'",):
            for row in self._select(_ACCOUNT, f"{condition} ORDER BY Name, Id"):
                if (one := record(row, self._options)) is not None:
                    yield one

    def _find(self, accounts: Sequence[Account]) -> dict[UUID, Row]:
        """The account of each client: by its id, or else by domain and name."""
        ids = {account.key: account_id(account.crm_id) for account in accounts}
        by_id = self._accounts(soql.is_in("Id", (key for key in ids.values() if key)))
        found = {key: by_id[crm_id] for key, crm_id in ids.items() if crm_id in by_id}
        unknown = [account for account in accounts if ids[account.key] is None]
        candidates = self._accounts(
            [
                *soql.contains("Website", (account.domain for account in unknown if account.domain)),
                *soql.is_in("Name", (account.name for account in unknown)),
            ]
        )
        for account in unknown:
            if (row := choose(account, list(candidates.values()))) is not None:
                found[account.key] = row
        return found

    def _accounts(self, conditions: Iterable[str]) -> dict[str, Row]:
        return {
            str(row["Id"]): {**row, "Id": account_id(text(row.get("Id")))}
            for condition in conditions
            for row in self._select(_ACCOUNT, condition)
            if account_id(text(row.get("Id")))
        }

    def _of_accounts(
        self, thing: _Thing, ids: set[str], condition: str, made: Callable[[Row], T]
    ) -> Mapping[str, list[T]]:
        by_account: defaultdict[str, list[T]] = defaultdict(list)
        for some in soql.is_in("AccountId", ids):
            for row in self._select(thing, f"{some} AND {condition}"):
                by_account[account_id(text(row.get("AccountId"))) or ""].append(made(row))
        return by_account

    def _select(self, thing: _Thing, where: str) -> Iterator[Row]:
        """Rows of an object, asked for again without what turns out to be lacking."""
        if thing.is_required:
            own = tuple(dict.fromkeys(self._options.own_fields.values()))
            thing = _Thing(thing.name, (*thing.required, *own), thing.wanted, is_required=True)
        while thing.name not in self._lacking:
            try:
                yield from self._org.rows(soql.select(thing.name, thing.without(self._lacking), where))
                return
            except Lacking as lack:
                self._do_without(thing, lack)

    def _do_without(self, thing: _Thing, lack: Lacking) -> None:
        """Remember what is not there. CrmError: it cannot be left out, or somebody asked for it by name."""
        left = {field for field in thing.wanted if f"{thing.name}.{field}" not in self._lacking}
        if lack.field is not None:
            left = {field for field in left if lack.field in field.split(".")}
        if left and not lack.whole_object:
            missing = {f"{thing.name}.{field}" for field in left}
        elif thing.is_required:
            raise self._must_have(thing, lack)
        else:
            missing = {thing.name}
        LOG.info("Salesforce: %s not there, or not for our user; asked without", ", ".join(sorted(missing)))
        self._lacking |= missing

    def _must_have(self, thing: _Thing, lack: Lacking) -> CrmError:
        what = f"{thing.name}.{lack.field}" if lack.field else f"object {thing.name}"
        option = next((name for name, field in self._options.own_fields.items() if field == lack.field), None)
        mend = f"mend the option {option}" if option else "give it the permissions of docs/crm.md"
        return CrmError(f"Salesforce: {what} is not there, or its user may not read it: {mend}")
