"""Every function of the services, called as a stranger and as each role: what they see, change and may not do.

The functions are found, not listed: one that is new is walked too, and must be given a place in ``MAY`` below.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import GeneratorType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest
from conftest import NOW, Tenant
from desk import add_candidate, another_tenant
from pydantic import BaseModel
from sqlalchemy import text as sql
from sqlmodel import Session, SQLModel

import services
from models.access import ApiKey
from models.alerts import Alert, AlertKind
from models.audit import AuditLog
from models.base import new_id
from models.clients import ClientMatchRule, MatchRuleKind
from models.engine import get_engine, reading
from models.events import Category, Event
from models.feedback import Feedback, FeedbackVerdict
from models.jobs import AutomationSchedule, JobRun, JobType, ScheduleType
from models.mail import Delivery, DeliveryKind, DeliveryState, Notification, Suppression
from models.news import Story
from models.scope import Role, Scope
from models.signin import SignInMethod, SignInSession
from services.crm_import.differ import Choices
from services.csvfiles import read_sheet
from services.errors import UserError
from services.patterns import read_patterns
from services.providers.catalogue import find_provider

MARK = "Zanzibarium"
"""Stands in everything of the tenant that is looked at, and nowhere else."""


@dataclass(slots=True)
class House:
    """A tenant with a row of everything, each marked."""

    tenant: Tenant
    people: dict[Role, UUID] = field(default_factory=dict)
    ids: dict[str, UUID] = field(default_factory=dict)

    def scope(self, role: Role) -> Scope:
        return Scope(self.tenant.business_id, self.people[role], role)


def furnish(tenant: Tenant) -> House:
    Path("people.csv").write_text("name,email\nNewcomer,newcomer@other.example\n", encoding="utf-8")
    house = House(tenant)
    client = tenant.add_client(f"{MARK} AG", domain="zanzibarium.example", aliases=[f"{MARK} Group"])
    for role in (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.VIEWER):
        house.people[role] = tenant.add_user(
            f"{role.value}@zanzibarium.example",
            clients=(client,),
            user={"role": role, "name": f"{MARK} {role.value}"},
        )
    owner = house.people[Role.OWNER]
    business = tenant.business_id
    story = tenant.add(
        Story(business_id=business, title=f"{MARK} AG buys Lumenfield", first_at=NOW, last_at=NOW)
    )
    article = add_candidate(tenant, story, f"{MARK} AG buys Lumenfield")
    event = tenant.add(
        Event(
            business_id=business,
            story_id=story,
            client_id=client,
            article_id=article,
            category=Category.ACQUISITION,
            relevance=0.9,
            sentiment=0.1,
            confidence=0.9,
            title=f"{MARK} AG buys Lumenfield",
            reason=f"{MARK} is the buyer",
            happened_at=NOW,
        )
    )
    mail = tenant.add(
        Delivery(
            business_id=business,
            user_id=owner,
            recipient="owner@zanzibarium.example",
            kind=DeliveryKind.DIGEST,
            slot="daily:2026-03-10",
            state=DeliveryState.UNKNOWN,
            subject=f"{MARK}: one story",
            next_attempt_at=NOW,
        )
    )
    tenant.add(
        Notification(business_id=business, event_id=event, user_id=owner, client_id=client, delivery_id=mail)
    )
    schedule = tenant.add(
        AutomationSchedule(
            business_id=business,
            name=f"{MARK} mornings",
            job_type=JobType.CLIENT_MONITORING,
            schedule_type=ScheduleType.MANUAL,
        )
    )
    run = tenant.add(
        JobRun(
            business_id=business,
            job_type=JobType.CLIENT_MONITORING,
            schedule_id=schedule,
            as_of=NOW,
            error=f"{MARK} broke",
        )
    )
    house.ids = {
        "client": client,
        "event": event,
        "article": article,
        "delivery": mail,
        "schedule": schedule,
        "job_run": run,
        "run": run,
        "user": owner,
        "session": tenant.add(
            SignInSession(
                business_id=business,
                user_id=owner,
                token_hash=new_id().hex,
                method=SignInMethod.PASSWORD,
                user_agent=MARK,
                expires_at=NOW + timedelta(days=900),
            )
        ),
        "key": tenant.add(
            ApiKey(business_id=business, user_id=owner, name=MARK, key_hash=new_id().hex, start="cm_x")
        ),
        "rule": tenant.add(
            ClientMatchRule(
                business_id=business, client_id=client, kind=MatchRuleKind.EXCLUDE_CONTEXT, phrase=MARK
            )
        ),
        "feedback": tenant.add(
            Feedback(
                business_id=business,
                event_id=event,
                client_id=client,
                user_id=owner,
                verdict=FeedbackVerdict.USEFUL,
                note=MARK,
            )
        ),
    }
    tenant.add(
        Suppression(
            business_id=business, recipient="gone@zanzibarium.example", reason="hard_bounce", detail=MARK
        )
    )
    tenant.add(Alert(business_id=business, kind=AlertKind.SOURCE_DOWN, subject=MARK, detail=MARK))
    tenant.add(AuditLog(business_id=business, action="client.created", subject=MARK, details={"name": MARK}))
    return house


def functions() -> dict[str, Callable[..., Any]]:
    """Public functions of the services that take a scope and no session: what doors may call."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.walk_packages(services.__path__, "services."):
        loaded = importlib.import_module(module.name)
        for name, one in inspect.getmembers(loaded, inspect.isfunction):
            parameters = list(inspect.signature(one).parameters.values())
            if one.__module__ != module.name or name.startswith("_") or not parameters:
                continue
            takes = {parameter.annotation for parameter in parameters}
            if parameters[0].name == "scope" and Session not in takes and not takes_rows(takes):
                found[f"{module.name.removeprefix('services.')}.{name}"] = one
    return found


def takes_rows(annotations: set[Any]) -> bool:
    """Whether a caller must hold a row already: a step within a service, not a door to it."""
    return any(isinstance(one, type) and issubclass(one, SQLModel) for one in annotations)


FUNCTIONS = functions()
_NAMED: dict[str, Callable[[House], Any]] = {
    "email": lambda _: "owner@zanzibarium.example",
    "address": lambda _: "owner@zanzibarium.example",
    "wanted": lambda _: f"{MARK} AG buys Lumenfield",
    "given": lambda house: str(house.ids["delivery"]),
    "name_or_id": lambda house: house.ids["schedule"],
    "flow_run_id": lambda _: "nothing",
    "names": lambda _: [f"{MARK} AG"],
    "key": lambda _: "a-key",
    "password": lambda _: "a quiet harbour in winter",
    "current": lambda _: "a quiet harbour in winter",
    "new": lambda _: "another quiet harbour in winter",
    "why": lambda _: "because",
    "path": lambda _: Path("people.csv"),
    "data": lambda _: b"no picture",
    "now": lambda _: NOW,
    "at": lambda _: NOW,
    "since": lambda _: NOW,
    "sheet": lambda _: read_sheet("clients.csv", b"name,domain\nNewcomer,newcomer.example\n"),
    "columns": lambda _: {"name": 0, "domain": 1},
    "records": lambda _: [],
    "choices": lambda _: Choices(),
    "patterns": lambda _: read_patterns("[[group]]\ncategory = 'award'\nphrases = ['wins a prize']"),
    "one": lambda _: find_provider("google_news"),
    "after": lambda _: "",
    "days": lambda _: 30,
    "weeks": lambda _: 12,
    "changes": lambda _: {"threshold": 0.9},
    "kinds": lambda _: [DeliveryKind.DIGEST],
    "provider": lambda _: "hubspot",
}


class Unknown(TypeError):
    """No argument is known for this parameter."""


def argument(function: str, parameter: inspect.Parameter, house: House) -> Any:
    """A value of the house's own for this parameter."""
    if parameter.name == "ids":
        return [house.ids["schedule" if function.startswith("schedules") else "event"]]
    if function == "judgement.whole.judge" and parameter.name == "names":
        return []  # it would say the name again: as that of a company which is no client
    is_filter = parameter.name in {"wanted", "current", "new"} and parameter.annotation is not str
    if parameter.name in _NAMED and not is_filter:
        return _NAMED[parameter.name](house)
    return value_of(parameter.annotation, parameter.name, house)


def value_of(kind: Any, name: str, house: House) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return value_of(next(one for one in inner if one is not NoneType), name, house)
    if origin is Literal:
        return inner[0]
    if kind is UUID:
        stem = name.removesuffix("s").removesuffix("_id") if name != "ids" else "any"
        return house.ids.get(stem, house.ids["client"])
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind.model_validate(
            {"name": "x", "schedule_type": "manual"} if "schedule_type" in kind.model_fields else {}
        )
    if origin is not None and inner[:1] == (UUID,) and len(inner) == 1:
        stem = name.removesuffix("s").removesuffix("_id")
        return [house.ids[stem]] if stem in house.ids else list(house.ids.values())
    simple = {str: "words", bool: True, int: 3, float: 0.5, bytes: b"", dict: {}}
    if kind in simple:
        return simple[kind]
    if (origin is not None and issubclass(origin, dict)) or "Mapping" in str(kind):
        return {}
    raise Unknown(f"{name}: {kind}")


def call(name: str, scope: Scope, house: House) -> Any:
    """The function with the house's own ids and words; what it gives, generators read to their end."""
    function = FUNCTIONS[name]
    given: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        is_optional = parameter.default is not parameter.empty
        try:
            given[parameter.name] = argument(name, parameter, house)
        except Unknown:
            if not is_optional:
                raise
    result = function(scope, **given)
    return list(result) if isinstance(result, GeneratorType | Iterator) else result


def contents(tenant: Tenant) -> dict[str, list[str]]:
    """Every row of a tenant, in words."""
    found: dict[str, list[str]] = {}
    with reading(tenant.scope) as session:
        for table in SQLModel.metadata.sorted_tables:
            if "business_id" in table.c:
                rows = session.execute(
                    sql(f"SELECT * FROM {table.name} WHERE business_id = :b"),
                    {
                        "b": tenant.business_id
                        if get_engine().dialect.name == "postgresql"
                        else tenant.business_id.hex
                    },
                )
                found[table.name] = sorted(str(tuple(row)) for row in rows)
    return found


REFUSALS = (UserError, PermissionError, ValueError, LookupError)
WITHIN = frozenset(
    """
    alerts.telling.mail_alerts
    alerts.telling.post_alerts
    alerts.troubles.troubles
    alerts.watching.watch
    providers.holds.lift
    providers.switches.recipient_with
    run_start.run_started
    runs.source_answered
    schedules.sync.sync
    signin.letters.send_now
    """.split()
)
"""Steps of the machinery: no door leads a person to them."""
OWN = frozenset(
    """
    signin.sessions.require_own
    feed.feed
    feed.feed_of_client
    feed.shown_event
    feed.today
    signin.credentials.set_password
    signin.sessions.begin
    """.split()
)
"""A person's own alone, whatever the role."""
OWNERS = frozenset(
    """
    accounts.create_owner
    """.split()
)
"""Owners."""
ADMINS = frozenset(
    """
    teaching.threshold.threshold_hint
    access.keys.create_key
    access.keys.list_keys
    access.keys.revoke_key
    accounts.import_users
    accounts.rename_business
    accounts.require_admin
    accounts.scope_of
    alerts.listing.list_alerts
    appearance.change_look
    appearance.remove_logo
    appearance.reset_look
    appearance.set_logo
    audit_view.audit_csv
    audit_view.audit_page
    budgets.change_limits
    budgets.limits_of
    business.change_silent_days
    business.overview
    client_import.importing.import_clients
    client_import.importing.import_sheet
    client_import.importing.preview_sheet
    clients.archive_client
    clients.assign_people
    clients.create_client
    clients.edit_client
    clients.restore_client
    crm_import.apply.apply
    crm_import.apply.preview
    crm_import.reading.read_portfolio
    email_log.detail.mail_detail
    engagement.rates
    engagement.set_tracking
    feedback.page
    first_steps.first_steps
    first_steps.look_after_orphans
    first_steps.want_first_steps
    mailview.view
    muting.client_exceptions
    muting.set_client_exception
    patterns.add_patterns
    patterns.remove_pattern
    people.change_role
    people.deactivate
    people.invite_again
    people.invite_person
    people.list_people
    people.looked_after_by
    people.reactivate
    people.send_reset
    portfolio.check.check_terms
    portfolio.people.archive_clients
    portfolio.people.moves
    portfolio.people.reassign
    preference_page.preference_page
    preferences.change_preferences
    preferences.colleagues
    preferences.last_change
    preferences.preferences_of_person
    preferences.undo_change
    preview.preview
    preview.sample
    providers.sealed.sealed_at
    providers.switches.disable
    providers.switches.enable
    providers.switches.require_switcher
    providers.trial.try_provider
    retention.due
    sending.find_mail
    sending.hold
    sending.mails
    sending.release
    sending.resolve
    sending.retry
    signin.sessions.end_sessions
    signin.sessions.open_sessions
    signin.sessions.require_self_or_admin
    subscriptions.resume
    subscriptions.standing
    subscriptions.stop
    suppression.lift
    suppression.listing
    typed_clients.add_typed
    why.why
    """.split()
)
"""Owners and admins; some of them also for the person they are about."""
MANAGERS = frozenset(
    """
    run_start.start_run
    schedules.access.require_keeper
    schedules.keeping.create
    schedules.keeping.delete
    schedules.keeping.edit
    schedules.keeping.pause
    schedules.keeping.resume
    """.split()
)
"""Whoever looks after clients, and admins."""
ANYBODY = frozenset(
    """
    access.answers.begin
    access.answers.finish
    access.answers.forget
    account.about_me
    account.rename_me
    accounts.goes_by_slug
    accounts.has_owner
    accounts.is_admin
    appearance.logo_of
    appearance.look_of
    appearance.preview
    brief.gather.brief_of
    email_log.export.mails_csv
    email_log.log_page
    email_log.log_standing
    feedback.give
    feedback.listing
    feedback.preview
    feedback.undo
    first_digest.first_digest
    first_steps.is_new
    insights.insights
    judgement.replay.pair_log
    judgement.replay.story_log
    judgement.whole.judge
    marks.marks
    marks.read_all
    marks.set_note
    marks.set_read
    marks.set_star
    marks.undo_read_all
    muting.is_muted
    muting.mute
    patterns.list_patterns
    patterns.try_patterns
    people.find_person
    portfolio.crm.crm_on
    portfolio.export.export_clients
    portfolio.page.client_facts
    portfolio.people.history
    portfolio.running.watch
    portfolio.searches.searches
    portfolio.table.portfolio_rows
    portfolio.table.team
    portfolio.taught.taught
    providers.listing.list_providers
    reactions.reaction
    run_views.find_run
    run_views.run_detail
    run_views.runs_page
    runs.client_names
    runs.clients_by_id
    runs.find_clients
    runs.run_of_flow
    runs.source_lines
    runs.summarise
    sample_mail.send_sample
    schedules.access.may_keep
    schedules.keeping.all_schedules
    schedules.keeping.find_schedule
    schedules.listing.list_schedules
    sending.counts
    sending.current_hold
    sending.waiting
    signin.attempt.check_own_password
    signin.credentials.change_password
    signin.credentials.person_of
    signin.credentials.request_new_address
    spend.spend
    subscriptions.consent
    """.split()
)
"""Anybody of the tenant, for what is theirs or the tenant's to see."""
MAY = (
    dict.fromkeys(OWN | OWNERS, Role.OWNER)
    | dict.fromkeys(ADMINS, Role.ADMIN)
    | dict.fromkeys(MANAGERS, Role.MANAGER)
)
RANK = (Role.VIEWER, Role.MANAGER, Role.ADMIN, Role.OWNER)


def test_the_walk_reaches_the_services() -> None:
    assert len(FUNCTIONS) > 100


def test_a_stranger_sees_and_changes_nothing(tenant: Tenant) -> None:
    """The owner of another tenant, with this one's ids and words."""
    house = furnish(tenant)
    stranger = another_tenant()
    owner = stranger.add_user("owner@other.example", user={"role": Role.OWNER})
    scope = Scope(stranger.business_id, owner, Role.OWNER)
    before = contents(tenant)
    faults = []
    for name in sorted(FUNCTIONS.keys() - WITHIN):
        try:
            seen = repr(call(name, scope, house))
        except REFUSALS as refusal:
            # What was asked for may be said again.
            seen = str(refusal).replace(f"{MARK} AG", "")
        if MARK in seen:
            faults.append(f"{name} shows {seen[:200]}")
        after = contents(tenant)
        if after != before:
            faults.append(f"{name} changes {[table for table in after if after[table] != before[table]]}")
            before = after
    assert faults == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MANAGER, Role.ADMIN])
def test_a_role_may_do_no_more_than_its_own(role: Role, tenant: Tenant) -> None:
    house = furnish(tenant)
    before = contents(tenant)
    faults = []
    for name, least in MAY.items():
        if RANK.index(role) >= RANK.index(least):
            continue
        try:
            call(name, house.scope(role), house)
            faults.append(f"{name} is done for a {role.value}")
        except PermissionError:
            pass
        except REFUSALS as refusal:
            faults.append(f"{name} is refused to a {role.value} for another reason: {refusal}")
        after = contents(tenant)
        if after != before:
            faults.append(f"{name} changes {[table for table in after if after[table] != before[table]]}")
            before = after
    assert faults == []


def test_every_function_has_its_place() -> None:
    places = (WITHIN, OWN, OWNERS, ADMINS, MANAGERS, ANYBODY)
    named = [name for place in places for name in place]
    assert sorted(named) == sorted(FUNCTIONS)
