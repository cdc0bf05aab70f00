"""The portfolio from a CRM: what goes in, what stands, who is assigned, and that a second import changes nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from conftest import Tenant
from desk import another_tenant, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import Session

from models.accounts import UserState
from models.audit import AuditLog
from models.clients import Client, ClientAssignment, Tier
from models.crm import CrmImport
from models.engine import get_engine
from models.scope import Role, Scope
from services import crm_import
from services.clients import archive_client, assign_people, edit_client, restore_client
from services.crm_import import Change, Choices, Outcome, Plan
from services.crm_import.reading import translations
from services.errors import UserError
from tasks.enrich.crm import Record
from tasks.enrich.salesforce.options import read_options
from tasks.enrich.salesforce.reading import record as read_account

ACME = Record(
    crm_id="1",
    name="Acme",
    domain="www.acme.example.com",
    industry="Pumps",
    ticker="acm",
    tier="Growth",
    owner_email="Maria@Example.com",
)
BOLT = Record(crm_id="2", name="Bolt")


def preview(tenant: Tenant, *records: Record, crm: str = "book", **choices: object) -> Plan:
    return crm_import.preview(tenant.scope, crm, records, Choices(**choices))  # type: ignore[arg-type]


def load(tenant: Tenant, *records: Record, crm: str = "book", **choices: object) -> Plan:
    """Import, after making sure that the dry run says the same and that a second import has nothing to do."""
    told = preview(tenant, *records, crm=crm, **choices)
    before = everything(tenant)
    assert preview(tenant, *records, crm=crm, **choices) == told
    assert everything(tenant) == before
    done = crm_import.apply(tenant.scope, crm, records, Choices(**choices))  # type: ignore[arg-type]
    assert sorted(told.lines, key=repr) == sorted(done.lines, key=repr)
    after = everything(tenant)
    again = crm_import.apply(tenant.scope, crm, records, Choices(**choices))  # type: ignore[arg-type]
    assert not again.changes_something
    assert everything(tenant) == after
    return done


def everything(tenant: Tenant) -> list[str]:
    """All that an import may write, as text."""
    tables = (Client, ClientAssignment, CrmImport, AuditLog)
    return sorted(repr(sorted(row.model_dump().items())) for table in tables for row in rows(tenant, table))


def client(tenant: Tenant, name: str) -> Client:
    [found] = rows(tenant, Client, name=name)
    assert isinstance(found, Client)
    return found


def looks_after(tenant: Tenant, client_id: UUID) -> set[UUID]:
    return {
        row.user_id for row in rows(tenant, ClientAssignment, client_id=client_id) if row.ended_at is None
    }


def outcomes(plan: Plan) -> dict[str, Outcome]:
    return {line.crm_id: line.outcome for line in plan.lines}


def only(plan: Plan) -> crm_import.Line:
    [line] = plan.lines
    return line


def test_an_account_becomes_a_client_with_its_owner_and_the_dry_run_writes_nothing(tenant: Tenant) -> None:
    maria = tenant.add_user("maria@example.com")
    plan = load(tenant, ACME)
    made = client(tenant, "Acme")
    assert (made.domain, made.industry, made.ticker, made.tier, made.crm_id) == (
        "acme.example.com",
        "Pumps",
        "ACM",
        Tier.GROWTH,
        "1",
    )
    assert looks_after(tenant, made.id) == {maria}
    assert only(plan).outcome is Outcome.NEW
    assert Change("assigned_to", None, "maria@example.com") in only(plan).changes
    actions = [row.action for row in rows(tenant, AuditLog)]
    assert sorted(actions) == ["assignment.started", "client.created", "portfolio.imported"]


def test_what_the_crm_changes_goes_in_with_before_and_after(tenant: Tenant) -> None:
    load(tenant, ACME)
    plan = load(tenant, replace(ACME, industry="Valves", domain="acme.example"))
    assert only(plan).changes == (
        Change("domain", "acme.example.com", "acme.example"),
        Change("industry", "Pumps", "Valves"),
    )
    assert client(tenant, "Acme").industry == "Valves"


def test_what_people_changed_stands_and_is_told_once_when_the_crm_changes_it_too(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com")
    load(tenant, ACME)
    made = client(tenant, "Acme")
    edit_client(tenant.scope, made.id, industry="Fluid handling", aliases=["ACM Pumps"], confidential=True)
    assert only(load(tenant, ACME)).outcome is Outcome.UNCHANGED
    plan = preview(tenant, replace(ACME, industry="Valves"))
    assert only(plan).notes == ("industry: is 'Valves' in the CRM; 'Fluid handling', as set here, stands",)
    load(tenant, replace(ACME, industry="Valves"))
    assert only(preview(tenant, replace(ACME, industry="Valves"))).notes == ()
    kept = client(tenant, "Acme")
    assert (kept.industry, kept.aliases, kept.confidential) == ("Fluid handling", ["ACM Pumps"], True)


def test_the_crm_is_preferred_where_asked_and_still_touches_nothing_of_ours(tenant: Tenant) -> None:
    fields = {"aliases": ["A"], "keywords": ["k"], "excluded_terms": ["x"], "confidential": True}
    tenant.add_client("Acme", crm_id="1", industry="Other", tier=Tier.STANDARD, **fields)
    assert only(preview(tenant, ACME)).notes[:1] == (
        "industry: is 'Pumps' in the CRM; 'Other', as set here, stands",
    )
    load(tenant, ACME, prefer_crm=True)
    made = client(tenant, "Acme")
    assert (made.industry, made.tier) == ("Pumps", Tier.GROWTH)
    assert {name: getattr(made, name) for name in fields} == fields


def test_what_the_crm_leaves_empty_clears_nothing_and_what_a_person_cleared_stays_empty(
    tenant: Tenant,
) -> None:
    load(tenant, ACME)
    made = client(tenant, "Acme")
    edit_client(tenant.scope, made.id, ticker=None)
    load(tenant, replace(ACME, industry=None, domain=None))
    kept = client(tenant, "Acme")
    assert (kept.industry, kept.domain, kept.ticker) == ("Pumps", "acme.example.com", None)
    load(tenant, ACME)
    assert client(tenant, "Acme").ticker is None


@pytest.mark.parametrize(
    "had",
    [{"name": "ACME"}, {"name": "Acme Corporation", "domain": "acme.example.com"}],
    ids=["name", "domain"],
)
def test_a_client_without_an_id_is_known_by_name_or_by_a_domain_of_its_own(
    tenant: Tenant, had: dict[str, str]
) -> None:
    tenant.add_client(had["name"], domain=had.get("domain"), tier=None)
    plan = load(tenant, ACME)
    assert only(plan).outcome is Outcome.CHANGED
    assert Change("crm_id", None, "1") in only(plan).changes
    assert client(tenant, had["name"]).crm_id == "1"
    assert len(rows(tenant, Client)) == 1


def test_a_domain_that_two_share_identifies_nobody(tenant: Tenant) -> None:
    tenant.add_client("Acme Corporation", domain="acme.example.com")
    tenant.add_client("Acme Shops", domain="acme.example.com")
    plan = load(tenant, ACME)
    assert only(plan).outcome is Outcome.NEW
    assert "a duplicate?" in only(plan).notes[-1]


def test_a_clash_is_refused_with_a_mend_and_the_others_go_in(tenant: Tenant) -> None:
    tenant.add_client("Acme", crm_id="77")
    twins = (Record("3", "Cord"), Record("4", "CORD"))
    plan = load(
        tenant, ACME, BOLT, *twins, Record("", "Dune"), Record("6", " "), Record("7", "x" * 201), BOLT
    )
    assert [line.crm_id for line in plan.lines if line.outcome is Outcome.NEW] == ["2"]
    refused = {line.crm_id: line.problem for line in plan.lines if line.outcome is Outcome.REFUSED}
    assert refused["1"] == "crm_id: client 'Acme' is 77 in the CRM, not 1"
    assert refused["3"] == "name: 'Cord' is the name of 4 too"
    assert refused[""] == "crm_id: is missing"
    assert refused["6"] == "name: a client needs a name"
    assert refused["7"].startswith("name: ")
    assert refused["2"] == "crm_id: 2 stands twice"
    assert all(line.mend for line in plan.lines if line.outcome is Outcome.REFUSED)
    assert {row.name for row in rows(tenant, Client)} == {"Acme", "Bolt"}


def test_a_field_that_cannot_be_is_left_out_and_noted(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com")
    bad = replace(ACME, domain="n/a", owner_email="maria(at)example.com", tier="Platinum", ticker="T" * 30)
    plan = load(tenant, bad)
    made = client(tenant, "Acme")
    assert (made.domain, made.ticker, made.tier, made.industry) == (None, None, None, "Pumps")
    assert [note.partition(":")[0] for note in only(plan).notes] == [
        "tier",
        "domain",
        "ticker",
        "assigned_to",
    ]


def test_characters_that_steer_are_taken_out(tenant: Tenant) -> None:
    load(tenant, replace(ACME, name="Ac\x00me \x1b[31m'; DROP TABLE clients;--", industry="Pu\x00mps\u200b"))
    made = client(tenant, "Ac me [31m'; DROP TABLE clients;--")
    assert made.industry == "Pu mps"


def test_tiers_are_translated_by_the_words_given(tenant: Tenant) -> None:
    load(tenant, replace(ACME, tier="Gold"), tiers=translations(["gold = Strategic"]))
    assert client(tenant, "Acme").tier is Tier.STRATEGIC
    for wrong in ("gold", "gold=platinum", "=growth"):
        with pytest.raises(UserError, match="translates no tier"):
            translations([wrong])


def test_names_that_move_from_one_client_to_the_next_arrive_in_one_import(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    plan = load(tenant, Record("9", "Acme"), replace(ACME, name="Bolt"), replace(BOLT, name="Cord"))
    assert outcomes(plan) == {"9": Outcome.NEW, "1": Outcome.CHANGED, "2": Outcome.CHANGED}
    assert {row.crm_id: row.name for row in rows(tenant, Client)} == {"9": "Acme", "1": "Bolt", "2": "Cord"}


def test_names_that_are_swapped_stay_and_are_noted(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    plan = load(tenant, replace(ACME, name="Bolt"), replace(BOLT, name="Acme"))
    assert all("not renamed" in line.notes[0] for line in plan.lines)
    assert client(tenant, "Acme").crm_id == "1"


def test_a_new_owner_takes_over_what_the_import_had_started(tenant: Tenant) -> None:
    maria, tom = tenant.add_user("maria@example.com"), tenant.add_user("tom@example.com")
    load(tenant, ACME)
    made = client(tenant, "Acme")
    plan = load(tenant, replace(ACME, owner_email="tom@example.com"))
    assert only(plan).changes == (Change("assigned_to", "maria@example.com", "tom@example.com"),)
    assert looks_after(tenant, made.id) == {tom}
    assert maria not in looks_after(tenant, made.id)


def test_who_was_assigned_by_hand_stays_whatever_the_crm_says(tenant: Tenant) -> None:
    maria, tom = tenant.add_user("maria@example.com"), tenant.add_user("tom@example.com")
    ada = tenant.add_user("ada@example.com")
    tenant.add_client("Acme", crm_id="1")
    made = client(tenant, "Acme")
    assign_people(tenant.scope, made.id, {maria, ada})
    load(tenant, ACME)
    load(tenant, replace(ACME, owner_email="tom@example.com"))
    assert looks_after(tenant, made.id) == {maria, ada, tom}


def test_who_was_taken_off_by_hand_is_not_put_back_until_the_crm_names_them_anew(tenant: Tenant) -> None:
    maria, tom = tenant.add_user("maria@example.com"), tenant.add_user("tom@example.com")
    load(tenant, ACME)
    made = client(tenant, "Acme")
    assign_people(tenant.scope, made.id, {tom})
    load(tenant, ACME)
    assert looks_after(tenant, made.id) == {tom}
    load(tenant, replace(ACME, owner_email="tom@example.com"))
    load(tenant, ACME)
    assert looks_after(tenant, made.id) == {tom, maria}


@pytest.mark.parametrize("state", [None, UserState.DEACTIVATED])
def test_an_owner_who_is_nobody_here_changes_nothing_and_is_named(
    tenant: Tenant, state: UserState | None
) -> None:
    maria = tenant.add_user("maria@example.com")
    load(tenant, ACME)
    made = client(tenant, "Acme")
    if state is not None:
        tenant.add_user("gone@example.com", user={"state": state})
    moved = replace(ACME, owner_email="gone@example.com")
    plan = load(tenant, moved)
    assert only(plan).outcome is Outcome.UNCHANGED
    assert "gone@example.com" in only(plan).notes[0]
    assert looks_after(tenant, made.id) == {maria}
    if state is None:
        newcomer = tenant.add_user("gone@example.com")
        load(tenant, moved)
        assert looks_after(tenant, made.id) == {newcomer}


def test_a_client_gone_from_the_crm_is_named_and_archived_only_when_asked(tenant: Tenant) -> None:
    by_hand = tenant.add_client("Eden", crm_id="500")
    load(tenant, ACME, BOLT)
    plan = load(tenant, ACME)
    assert [one.name for one in plan.gone] == ["Bolt"]
    assert client(tenant, "Bolt").archived_at is None
    done = crm_import.apply(tenant.scope, "book", [ACME], Choices(archive_missing=True))
    assert (done.archived, done.gone) == (("Bolt",), ())
    assert client(tenant, "Bolt").archived_at is not None
    assert client(tenant, "Eden").id == by_hand
    assert client(tenant, "Eden").archived_at is None


def test_an_account_that_merged_and_has_a_new_id_is_the_client_it_was(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    made = client(tenant, "Acme")
    merged = replace(ACME, crm_id="3", name="Acme Group", other_ids=("1",))
    plan = load(tenant, merged, BOLT, archive_missing=True)
    assert outcomes(plan) == {"3": Outcome.CHANGED, "2": Outcome.UNCHANGED}
    assert (plan.gone, plan.archived) == ((), ())
    now = client(tenant, "Acme Group")
    assert (now.id, now.crm_id, now.archived_at) == (made.id, "3", None)
    assert preview(tenant, replace(merged, name=""), BOLT).gone == ()


def test_two_clients_whose_accounts_merged_are_named_and_neither_is_archived(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    merged = replace(BOLT, crm_id="3", other_ids=("1", "2"))
    plan = load(tenant, merged, archive_missing=True)
    assert only(plan).name == "Bolt"
    assert only(plan).notes == ("crm_id: client 'Acme' is this account too, as 1: archive one of them",)
    assert {row.name: row.crm_id for row in rows(tenant, Client)} == {"Acme": "1", "Bolt": "3"}
    assert plan.archived == ()
    archive_client(tenant.scope, client(tenant, "Acme").id)
    assert only(load(tenant, merged)).notes == ()


def test_an_id_that_is_another_accounts_own_leads_there(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    plan = load(tenant, Record("3", "Cord", other_ids=("1",)), ACME, BOLT)
    assert outcomes(plan) == {"1": Outcome.UNCHANGED, "2": Outcome.UNCHANGED, "3": Outcome.NEW}


def test_a_salesforce_id_as_people_copy_it_is_the_accounts(tenant: Tenant) -> None:
    tenant.add_client("Acme Holdings", crm_id="001D000000IqhSL")
    account = {"Id": "001D000000IqhSLIAZ", "Name": "Acme"}
    found = read_account(account, read_options({"client_id": "the-app"}))
    assert found is not None
    plan = load(tenant, found)
    assert only(plan).changes == (Change("crm_id", "001D000000IqhSL", "001D000000IqhSLIAZ"),)


def test_who_moves_to_another_crm_and_back_keeps_the_clients(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    made = client(tenant, "Acme")
    there = (Record("A", "Acme"), Record("B", "Bolt"))
    assert outcomes(load(tenant, *there, crm="other")) == {"A": Outcome.CHANGED, "B": Outcome.CHANGED}
    assert client(tenant, "Acme").crm_id == "A"
    edit_client(tenant.scope, made.id, name="Acme Pumps")
    assert outcomes(load(tenant, *there, crm="other")) == {"A": Outcome.UNCHANGED, "B": Outcome.UNCHANGED}

    back = load(tenant, ACME)
    assert outcomes(back) == {"1": Outcome.CHANGED}
    assert [(one.name, one.crm_id) for one in back.gone] == [("Bolt", "2")]
    assert {row.name: row.crm_id for row in rows(tenant, Client)} == {"Acme Pumps": "1", "Bolt": "B"}


def test_an_id_typed_by_hand_counts_for_the_crm_that_is_imported_from(tenant: Tenant) -> None:
    load(tenant, ACME)
    edit_client(tenant.scope, client(tenant, "Acme").id, crm_id="A")
    plan = load(tenant, Record("A", "Acme of Ohio"), Record("B", "Acme"), crm="other")
    assert outcomes(plan) == {"A": Outcome.UNCHANGED, "B": Outcome.REFUSED}


def test_an_id_that_means_another_account_in_another_crm_is_refused_with_a_mend(tenant: Tenant) -> None:
    load(tenant, ACME)
    plan = load(tenant, Record("1", "Bolt"), Record("5", "Cord"), crm="other")
    assert outcomes(plan) == {"1": Outcome.REFUSED, "5": Outcome.NEW}
    [refused] = [line for line in plan.lines if line.problem]
    assert refused.problem == "crm_id: client 'Acme' has 1 from another CRM"
    assert refused.mend


def test_an_account_that_is_only_refused_is_not_gone(tenant: Tenant) -> None:
    load(tenant, ACME, BOLT)
    assert preview(tenant, ACME, replace(BOLT, name="")).gone == ()


def test_an_archived_client_stays_archived_until_somebody_restores_it(tenant: Tenant) -> None:
    load(tenant, ACME)
    made = client(tenant, "Acme")
    archive_client(tenant.scope, made.id)
    plan = load(tenant, replace(ACME, industry="Valves"))
    assert "archived" in only(plan).notes[0]
    assert client(tenant, "Acme").industry == "Pumps"
    restore_client(tenant.scope, made.id)
    load(tenant, replace(ACME, industry="Valves"))
    assert client(tenant, "Acme").industry == "Valves"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_only_admins_import(tenant: Tenant, role: Role) -> None:
    scope = Scope(business_id=tenant.business_id, user_id=uuid4(), role=role)
    for act in (crm_import.preview, crm_import.apply):
        with pytest.raises(PermissionError):
            act(scope, "book", [ACME], Choices())
    with pytest.raises(PermissionError):
        crm_import.read_portfolio(scope)
    assert rows(tenant, Client) == []


def test_another_tenants_clients_are_neither_known_nor_touched(tenant: Tenant) -> None:
    other = another_tenant()
    load(other, ACME)
    before = everything(other)
    load(tenant, replace(ACME, industry="Valves"))
    assert everything(other) == before


def test_a_batch_that_fails_leaves_those_before_it_and_the_next_import_goes_on(
    tenant: Tenant,
) -> None:
    records = [Record(str(number), f"Client {number}") for number in range(5)]
    done: list[tuple[int, int]] = []

    def cut(session: Session) -> None:
        if len(done) == 1:
            raise ConnectionError("cut")

    event.listen(Session, "before_commit", cut)
    try:
        with pytest.raises(ConnectionError):
            crm_import.apply(
                tenant.scope,
                "book",
                records,
                Choices(),
                on_batch=lambda at, of: done.append((at, of)),
                batch=2,
            )
    finally:
        event.remove(Session, "before_commit", cut)
    assert len(rows(tenant, Client)) == 2
    assert done == [(2, 5)]
    plan = load(tenant, *records)
    assert plan.counts == {Outcome.NEW: 3, Outcome.UNCHANGED: 2}


def test_two_imports_at_once_make_each_client_once(tenant: Tenant) -> None:
    tenant.add_user("maria@example.com")
    records = [ACME, *(Record(str(number), f"Client {number}") for number in range(2, 40))]
    start = threading.Barrier(3)

    def run(_: int) -> Plan:
        start.wait(timeout=60)
        return crm_import.apply(tenant.scope, "book", records, Choices(), batch=5)

    with ThreadPoolExecutor(3) as pool:
        plans = list(pool.map(run, range(3)))
    assert sum(plan.counts[Outcome.NEW] for plan in plans) == len(records)
    assert sum(plan.counts[Outcome.UNCHANGED] for plan in plans) == 2 * len(records)
    assert len(rows(tenant, Client)) == len(rows(tenant, CrmImport)) == len(records)
    assert len(rows(tenant, ClientAssignment)) == 1


_NAMES = st.sampled_from(["Acme", "acme", "Bolt", "Cord", "Dune", ""])
_RECORDS = st.lists(
    st.builds(
        Record,
        crm_id=st.sampled_from("12345"),
        name=_NAMES,
        domain=st.sampled_from([None, "a.example", "b.example", "n/a"]),
        industry=st.sampled_from([None, "Pumps", "Valves"]),
        tier=st.sampled_from([None, "growth", "Gold"]),
        owner_email=st.sampled_from([None, "maria@example.com", "tom@example.com", "nobody@example.com"]),
    ),
    max_size=6,
)


@pytest.mark.usefixtures("db")
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(_RECORDS, min_size=1, max_size=3), st.booleans(), st.sets(_NAMES.filter(bool), max_size=2))
def test_a_second_import_changes_nothing_whatever_the_crm_holds(
    imports: list[list[Record]], prefer_crm: bool, known: set[str]
) -> None:
    here = another_tenant(f"t{uuid4().hex[:12]}")
    here.add_user("maria@example.com")
    here.add_user("tom@example.com")
    for name in {one.casefold(): one for one in known}.values():
        here.add_client(name, domain="b.example")
    for records in imports:
        load(here, *records, prefer_crm=prefer_crm)
    names = [row.name.casefold() for row in rows(here, Client)]
    assert len(names) == len(set(names))


def test_the_number_of_queries_does_not_grow_with_the_portfolio(tenant: Tenant) -> None:
    records = [Record(str(number), f"Client {number}", domain=f"c{number}.example") for number in range(600)]
    assert crm_import.apply(tenant.scope, "book", records, Choices()).counts == {Outcome.NEW: 600}
    queries: list[str] = []

    def count(*arguments: object) -> None:
        queries.append(str(arguments[2]))

    event.listen(get_engine(), "before_cursor_execute", count)
    try:
        plan = crm_import.apply(tenant.scope, "book", records, Choices())
    finally:
        event.remove(get_engine(), "before_cursor_execute", count)
    assert plan.counts == {Outcome.UNCHANGED: 600}
    assert len(queries) < 40
