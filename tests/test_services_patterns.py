"""A tenant's own patterns: checked, stored, used by the next run, and named in its decisions."""

from datetime import timedelta
from typing import Any

import pytest
from conftest import NOW, Tenant
from desk import add_raw, another_tenant, change, classify, dedupe, rows
from newsroom import plan_for

from models.audit import AuditLog
from models.base import new_id
from models.events import Category, Decision, Event, Stage
from models.patterns import CategoryPattern
from models.scope import Role, Scope
from services.errors import UserError
from services.patterns import add_patterns, list_patterns, read_patterns, remove_pattern, try_patterns
from tasks.classify.classifier import RulesClassifier
from tasks.classify.rules import Pattern

KILN = "Velora hoists the flag over the kiln hall in Ostrava"
OWN = """
[lists]
plant = "kiln_hall furnace turbine_hall"

[[group]]
category = "expansion"
weight = 6
says = "Starts up a plant"
phrases = ["hoists the flag over ~4 <plant>", "lights ~3 <plant>"]
"""


def scope_of(tenant: Tenant, role: Role) -> Scope:
    return Scope(business_id=tenant.business_id, user_id=new_id(), role=role)


def run(tenant: Tenant, *titles: str) -> list[tuple[str, str]]:
    """Categories of the new events, each with the version of the engine that gave it."""
    plan = plan_for(tenant)
    for title in titles:
        add_raw(tenant, title)
    dedupe(plan)
    report = classify(plan)
    assert report.counts["events"] == len(titles)
    decisions = rows(tenant, Decision, stage=Stage.CLASSIFY, job_run_id=plan.job_run_id)
    return [(decision.verdict, decision.engine_version) for decision in decisions]


@pytest.fixture
def velora(tenant: Tenant) -> Tenant:
    tenant.add_client("Velora", baseline_at=NOW - timedelta(days=9))
    return tenant


def test_the_next_run_uses_them_and_says_so(velora: Tenant) -> None:
    [(before, plain)] = run(velora, KILN)
    assert (before, plain) == ("other", RulesClassifier.version)
    add_patterns(velora.scope, read_patterns(OWN))
    [(after, version)] = run(velora, "Velora lights the new furnace at Plzen")
    assert after == "expansion"
    assert version.startswith(f"{plain}+own.")
    [decision] = rows(velora, Decision, stage=Stage.CLASSIFY, verdict="expansion")
    assert decision.reason.startswith("Starts up a plant")
    remove_pattern(velora.scope, list_patterns(velora.scope)[1].id.hex[-8:])
    [(again, other)] = run(velora, "Spring show: Velora lights its old turbine hall for visitors")
    assert again == "other"
    assert other not in {plain, version}


def test_the_version_is_that_of_the_set_in_any_order() -> None:
    one = Pattern(category=Category.AWARD, phrase="takes gold")
    two = Pattern(category=Category.AWARD, phrase="takes silver")
    assert RulesClassifier([one, two]).version == RulesClassifier([two, one]).version
    assert RulesClassifier([one]).version != RulesClassifier([one, two]).version
    assert RulesClassifier([]).version == RulesClassifier.version


def test_they_are_stored_once_listed_and_audited(velora: Tenant) -> None:
    added = add_patterns(velora.scope, read_patterns(OWN))
    assert [one.phrase for one in added] == [one.phrase for one in list_patterns(velora.scope)]
    assert {(one.category, one.weight, one.says, one.readable) for one in added} == {
        ("expansion", 6.0, "Starts up a plant", True)
    }
    assert add_patterns(velora.scope, read_patterns(OWN)) == []
    gone = remove_pattern(velora.scope, str(added[0].id))
    assert [one.id for one in list_patterns(velora.scope)] == [added[1].id]
    assert gone.phrase == added[0].phrase
    with pytest.raises(UserError, match="there is no pattern"):
        remove_pattern(velora.scope, str(added[0].id))
    actions = [row.action for row in rows(velora, AuditLog)]
    assert actions == ["pattern.added", "pattern.added", "pattern.removed"]
    assert len(rows(velora, CategoryPattern)) == 2, "a removed one stays in the record"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.VIEWER])
def test_only_admins_change_them_and_everybody_may_read(velora: Tenant, role: Role) -> None:
    patterns = read_patterns(OWN)
    [one, _] = add_patterns(scope_of(velora, Role.ADMIN), patterns)
    scope = scope_of(velora, role)
    with pytest.raises(PermissionError):
        add_patterns(scope, patterns)
    with pytest.raises(PermissionError):
        remove_pattern(scope, str(one.id))
    assert len(list_patterns(scope)) == 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('[[group]]\ncategory = "nonsense"\nphrases = ["x y"]', "group 1"),
        ('[[group]]\ncategory = "award"\nphrases = ["fine words", "<nowhere> x"]', "phrase 2"),
        ("[[group", "TOML"),
        ("", "no pattern"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_taken(source: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_patterns(source)
    assert caught.value.mend


def test_tried_they_show_what_would_change_and_change_nothing(velora: Tenant) -> None:
    run(velora, KILN, "Velora names Maria Kern chief executive")
    trial = try_patterns(velora.scope, read_patterns(OWN), now=NOW)
    assert (trial.patterns, trial.tried) == (2, 2)
    [change] = trial.changes
    assert (change.title, change.before, change.after) == (KILN, "other", "expansion")
    assert change.evidence in KILN
    assert list_patterns(velora.scope) == []
    assert {event.category for event in rows(velora, Event)} == {Category.OTHER, Category.LEADERSHIP_CHANGE}
    assert try_patterns(velora.scope, read_patterns(OWN), now=NOW + timedelta(days=200)).tried == 0


def test_one_that_can_no_longer_be_read_is_named_and_the_rest_goes_on(velora: Tenant) -> None:
    add_patterns(velora.scope, read_patterns(OWN))
    bad = list_patterns(velora.scope)[0]
    change(velora, CategoryPattern, CategoryPattern.id == bad.id, phrase="<a_list_that_went> opens")
    add_raw(velora, "Velora lights the new furnace at Plzen")
    plan = plan_for(velora)
    dedupe(plan)
    report = classify(plan)
    assert report.degraded == ("own pattern '<a_list_that_went> opens' cannot be read",)
    assert rows(velora, Event)[0].category is Category.EXPANSION
    assert [one.readable for one in list_patterns(velora.scope)] == [False, True]


def test_a_tenants_patterns_are_its_own(velora: Tenant) -> None:
    other = another_tenant()
    [one, _] = add_patterns(other.scope, read_patterns(OWN))
    assert list_patterns(velora.scope) == []
    assert run(velora, KILN) == [("other", RulesClassifier.version)]
    with pytest.raises(UserError):
        remove_pattern(velora.scope, str(one.id))


def test_there_is_an_end_to_them(velora: Tenant) -> None:
    many: dict[str, Any] = {
        "group": [{"category": "award", "phrases": [f"prize number{i}" for i in range(500)]}]
    }
    add_patterns(velora.scope, read_patterns(many))
    with pytest.raises(UserError, match="500"):
        add_patterns(velora.scope, read_patterns(OWN))
