"""How long we keep what: the policy, and the broom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from models.ai import AiCache, AiSpend
from models.alerts import Alert
from models.base import TenantRow, utc_now
from models.crm import CrmSnapshot
from models.engine import learn_statistics, reading, writing
from models.events import Decision
from models.jobs import JobRun, RunState
from models.mail import EmailBody, EmailEvent
from models.news import RawItem, SourceResult
from models.scope import Scope
from models.settings import get_settings
from models.signin import AccountLink, SignInSession
from services.accounts import every_business, require_admin
from services.schedules.outcomes import bury


def policy(now: datetime) -> Iterator[tuple[type[TenantRow], ColumnElement[bool]]]:
    """Each table that ages, and which of its rows are past their time at ``now``."""
    settings = get_settings()

    def before(days: int) -> datetime:
        return now - timedelta(days=days)

    # Counts of opens and clicks name nobody and stay.
    yield EmailEvent, col(EmailEvent.created_at) < before(settings.keep_decisions_days)
    yield EmailBody, col(EmailBody.created_at) < before(settings.keep_bodies_days)
    # An item that waits is never too old to be processed.
    yield (
        RawItem,
        (col(RawItem.first_seen_at) < before(settings.keep_raw_days)) & col(RawItem.is_processed).is_(True),
    )
    yield Decision, col(Decision.created_at) < before(settings.keep_decisions_days)
    # An answer is of no use when the text it is about is gone; the bill answers questions of the year.
    yield AiCache, col(AiCache.created_at) < before(settings.keep_raw_days)
    yield AiSpend, col(AiSpend.created_at) < before(settings.keep_decisions_days)
    # What the CRM said last stays, however old: mails show it with its age.
    newer = aliased(CrmSnapshot)
    has_newer = exists().where(
        col(newer.business_id) == col(CrmSnapshot.business_id),
        col(newer.client_id) == col(CrmSnapshot.client_id),
        col(newer.taken_at) > col(CrmSnapshot.taken_at),
    )
    yield CrmSnapshot, (col(CrmSnapshot.taken_at) < before(settings.keep_runs_days)) & has_newer
    # What is wrong now is kept however long it lasts.
    yield Alert, col(Alert.closed_at) < before(settings.keep_runs_days)
    yield SignInSession, col(SignInSession.expires_at) < before(settings.keep_runs_days)
    yield AccountLink, col(AccountLink.expires_at) < before(settings.keep_runs_days)
    yield SourceResult, col(SourceResult.created_at) < before(settings.keep_runs_days)
    yield (
        JobRun,
        (col(JobRun.started_at) < before(settings.keep_runs_days)) & (col(JobRun.state) != RunState.RUNNING),
    )


def prune(*, dry_run: bool = False, now: datetime | None = None) -> dict[str, int]:
    """Remove what is past its retention in every tenant and mark runs that lost their process; rows by table.

    SQLite then learns what its indexes hold (`learn_statistics`).
    """
    now = now or utc_now()
    gone: dict[str, int] = {}
    for business in every_business():
        scope = Scope.system(business.id)
        if not dry_run:
            with writing(scope) as session:
                bury(scope, session)
        for table, is_past in policy(now):
            name = str(table.__tablename__)
            gone[name] = gone.get(name, 0) + _sweep(scope, table, is_past, dry_run=dry_run)
    if not dry_run:
        learn_statistics()
    return gone


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data: how long it is kept, by which setting of the deployment, and why."""

    table: str
    what: str
    days: int | None
    """None: until somebody removes it."""
    setting: str
    why: str


_KEPT = (
    (
        "event_raw_data",
        "What sources sent, as it came",
        "keep_raw_days",
        "to look again at what was made of it",
    ),
    ("email_bodies", "The text of mails", "keep_bodies_days", "so that a mail can be shown as it was sent"),
    (
        "email_events",
        "What came back from mail: bounces, complaints; opens and clicks of who agreed",
        "keep_decisions_days",
        "to tell why an address is stopped",
    ),
    ("decisions", "Decisions with their reasons", "keep_decisions_days", 'to answer "why" and "why not"'),
    ("ai_cache", "Answers of language models", "keep_raw_days", "so that no question is paid for twice"),
    ("ai_spend", "What language models cost", "keep_decisions_days", "to account for a year"),
    (
        "crm_snapshots",
        "Older CRM snapshots; the newest of a client stays",
        "keep_runs_days",
        "to see what changed at a client",
    ),
    (
        "sign_in_sessions",
        "Who was signed in, when and with which browser",
        "keep_runs_days",
        "to see whether somebody else was",
    ),
    ("account_links", "Links of account mails that are over", "keep_runs_days", "to see who was asked in"),
    ("alerts", "Alerts that are over", "keep_runs_days", "to see what was wrong and for how long"),
    (
        "source_results",
        "How each fetch of a source ended",
        "keep_runs_days",
        "to see when a source went quiet",
    ),
    ("job_runs", "Runs with their counts and costs", "keep_runs_days", "to see what a run came to"),
)
_STAYS = (
    ("events", "Events, their articles' headlines and addresses", "they are what the product is for"),
    (
        "email_logs",
        "The line of each mail: to whom, when, with which outcome",
        "so that nobody is written to twice, and to answer what was sent",
    ),
    ("suppressions", "Addresses that must not be written to", "forgetting one would mean writing again"),
    ("feedback", "Verdicts and the rules they taught", "without the person, once the person is erased"),
    ("audit_logs", "The audit log", "who changed what must stay answerable"),
)


def kept() -> list[Kept]:
    """What is kept how long and why: what ages first, then what stays until it is removed."""
    settings = get_settings()
    ageing = [
        Kept(table, what, getattr(settings, setting), f"CM_{setting.upper()}", why)
        for table, what, setting, why in _KEPT
    ]
    return ageing + [Kept(table, what, None, "", why) for table, what, why in _STAYS]


def due(scope: Scope, *, now: datetime | None = None) -> dict[str, int]:
    """How many of the tenant's rows the next sweep would remove, by table. Nothing is removed. For admins."""
    require_admin(scope)
    return {
        str(table.__tablename__): _sweep(scope, table, is_past, dry_run=True)
        for table, is_past in policy(now or utc_now())
    }


def _sweep(scope: Scope, table: type[TenantRow], is_past: Any, *, dry_run: bool) -> int:
    if dry_run:
        with reading(scope) as session:
            return int(session.execute(select(func.count()).select_from(table).where(is_past)).scalar_one())
    with writing(scope) as session:
        statement = delete(table).where(is_past).execution_options(synchronize_session=False)
        return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]
