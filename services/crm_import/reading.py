"""The CRM's accounts, fetched and checked: what of them can be a client's."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from models.clients import Tier
from models.engine import reading
from models.scope import Scope
from models.settings import get_settings
from services.accounts import require_admin
from services.clients import ClientFields, name_key
from services.errors import UserError
from services.explain import plain_message
from services.fields import email_address
from tasks.enrich import connect
from tasks.enrich.crm import CrmError, FetchError, Http, Record
from tasks.search.text import clean

FOLLOWED = ("name", "domain", "ticker", "industry", "tier")
"""The fields in which the CRM is followed."""
_LONGEST = 1_000
"""Past any field's own limit, which then refuses the value in its own words."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One account, checked."""

    crm_id: str
    name: str
    said: Mapping[str, Any]
    """Valid values of ``FOLLOWED`` fields; those the CRM does not say, or says badly, are left out."""
    owner: str | None = None
    """An address in lower case."""
    faults: tuple[str, ...] = ()
    """Why it cannot go in at all."""
    mend: str = ""
    notes: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()
    """CRM ids of other accounts of the same name."""
    shares_domain: bool = False
    other_ids: tuple[str, ...] = ()
    """Further ids by which the CRM knows it, none of them another account's own."""

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids by which the CRM knows it."""
        return (self.crm_id, *self.other_ids)


class _NotFetched(UserError):
    """The CRM was asked and did not answer: nothing in the command was wrong."""

    bad_input = False


def read_portfolio(
    scope: Scope, provider: str | None = None, *, on_record: Callable[[int], None] | None = None
) -> tuple[str, list[Record]]:
    """(the CRM's name, its customer accounts), all of them or UserError; ``on_record`` is told how many came.

    Without ``provider`` it is the one the tenant switched on.
    """
    require_admin(scope)
    if provider is None:
        with reading(scope) as session:
            provider = connect.in_force(scope, session)
    if provider is None:
        raise UserError("no CRM is switched on", "client-monitor providers enable salesforce, or hubspot")
    records: list[Record] = []
    try:
        with Http(get_settings()) as http:
            for record in connect.make(scope, provider, http).portfolio():
                records.append(record)
                if on_record is not None:
                    on_record(len(records))
    except (CrmError, FetchError) as error:
        mend = f"nothing was changed; client-monitor providers test {provider} shows whether it answers"
        raise _NotFetched(str(error), mend) from None
    if not records:
        mend = (
            f"check which accounts count as customers (docs/crm.md), and what the key of {provider} may read"
        )
        raise UserError(f"{provider} shows no customer accounts", mend)
    return provider, records


def checked(records: Iterable[Record], tiers: Mapping[str, Tier]) -> list[Wanted]:
    """Each account with what is right and wrong in it; ``tiers`` translates the CRM's words, in small letters."""
    every = [replace(_checked(record, tiers), other_ids=record.other_ids) for record in records]
    own = {one.crm_id for one in every}
    names: dict[str, list[str]] = {}
    for one in every:
        names.setdefault(name_key(one.name), []).append(one.crm_id)
    domains = Counter(one.said.get("domain") for one in every)
    seen: set[str] = set()
    done = []
    for one in every:
        domain = one.said.get("domain")
        known = replace(
            one,
            namesakes=tuple(other for other in names[name_key(one.name)] if other != one.crm_id),
            shares_domain=domain is not None and domains[domain] > 1,
            other_ids=tuple(other for other in one.other_ids if other not in own),
        )
        if one.crm_id in seen:
            fault = f"crm_id: {one.crm_id} stands twice"
            known = replace(known, faults=(fault,), mend="merge the account with itself in the CRM")
        seen.add(one.crm_id)
        done.append(known)
    return done


def _checked(record: Record, tiers: Mapping[str, Tier]) -> Wanted:
    notes: list[str] = []
    given = {
        name: clean(value, _LONGEST)
        for name in ("name", "crm_id", "domain", "ticker", "industry")
        if isinstance(value := getattr(record, name), str) and value.strip()
    }
    word = clean(record.tier or "", _LONGEST)
    tier = _tier(word, tiers)
    if tier is not None:
        given["tier"] = tier.value
    elif word:
        notes.append(f"tier: {word!r} is none of ours; --tier {word!r}=standard would translate it")
    crm_id, name = given.get("crm_id", ""), given.get("name", "")
    fields, faults = _valid(given, notes)
    if fields is None or not crm_id:
        mend = "correct the account in the CRM"
        return Wanted(crm_id, name, {}, faults=faults or ("crm_id: is missing",), mend=mend)
    said = {key: value for key in FOLLOWED if (value := getattr(fields, key)) is not None}
    return Wanted(fields.crm_id or crm_id, fields.name, said, _owner(record, notes), notes=tuple(notes))


def _tier(word: str, tiers: Mapping[str, Tier]) -> Tier | None:
    key = word.casefold()
    return tiers.get(key) or (Tier(key) if key in set(Tier) else None)


def _valid(given: dict[str, str], notes: list[str]) -> tuple[ClientFields | None, tuple[str, ...]]:
    """The fields without those that are wrong, each of which is noted; None when it cannot do without one."""
    try:
        return ClientFields.model_validate({"name": "", **given}), ()
    except ValidationError as error:
        wrong = {str(one["loc"][0]): plain_message(one["msg"]) for one in error.errors()}
    faults = tuple(f"{name}: {wrong[name]}" for name in ("name", "crm_id") if name in wrong)
    if faults:
        return None, faults
    notes.extend(f"{name}: {message}; left out" for name, message in wrong.items())
    return ClientFields.model_validate({name: text for name, text in given.items() if name not in wrong}), ()


def _owner(record: Record, notes: list[str]) -> str | None:
    if not (record.owner_email or "").strip():
        return None
    try:
        return email_address(clean(record.owner_email or "", _LONGEST))
    except ValueError as error:
        notes.append(f"assigned_to: {error}")
        return None


def translations(given: Sequence[str]) -> dict[str, Tier]:
    """``Gold=strategic`` and the like as a mapping; UserError for what is none."""
    found: dict[str, Tier] = {}
    for pair in given:
        word, equals, tier = pair.rpartition("=")
        if not equals or not word.strip() or tier.strip().lower() not in set(Tier):
            raise UserError(
                f"{pair!r} translates no tier", f"write WORD=TIER, with {', '.join(Tier)}: Gold=strategic"
            )
        found[word.strip().casefold()] = Tier(tier.strip().lower())
    return found
