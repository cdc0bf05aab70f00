"""What is wrong, seen from facts in the tenant's rows alone: nothing is asked over the network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from models.accounts import Business
from models.alerts import AlertKind
from models.audit import AuditLog
from models.breakers import SHOWN_MAX
from models.clock import FixedClock
from models.engine import reading
from models.jobs import AutomationSchedule, JobRun, JobType, PausedBy, RunState, schedules
from models.mail import Channel, Delivery, DeliveryState
from models.news import SourceResult
from models.providers import ProviderConfig, ProviderHealth, ProviderKind, provider_configs
from models.scope import Scope
from models.settings import Settings, get_settings
from services.errors import UserError
from services.providers.listing import is_asked
from services.schedules.recurrence import next_runs
from services.spend import spend
from tasks.notify.hold import hold_of
from tasks.notify.silence import quiet
from tasks.notify.wording import plural
from tasks.search.source import feed_breaker

DOWN_AFTER = timedelta(hours=2)
"""Without an answer. Runs are hourly, and a hiccup that costs one of them is none of a person's business."""
NOT_ASKED = timedelta(days=8)
"""A provider that was not asked for longer, over the week between two runs, is no longer in use."""
STUCK_AFTER = timedelta(hours=1)
"""Longer than the six attempts of one mail that is put off take: what is late by more is not one reader's mailbox."""
LATE_AFTER = timedelta(hours=1)
"""Twice what a worker with runs in hand may keep the next one waiting."""
_LEFT_FOR_BUDGET = "classify.ai_left_budget"
SUBJECT_MAX = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a person must know about. One a kind and subject, however often it is looked for."""

    kind: AlertKind
    subject: str
    """Which of its kind; "" where there is only one."""
    detail: str
    owner_id: UUID | None = None
    """Whom it concerns besides those who administer the tenant."""


def troubles(scope: Scope, now: datetime) -> list[Trouble]:
    """All that is wrong at ``now``, by kind and subject. Reads only."""
    settings = get_settings()
    with reading(scope) as session:
        found = [
            *_providers(scope, session, settings, now),
            *_silence(scope, session, now),
            *_outbox(scope, session, now),
            *_schedules(scope, session, now),
        ]
        left = _left_for_budget(session)
    found += _budget(scope, now, left)
    by_subject = {(one.kind, one.subject): one for one in found}
    return [by_subject[key] for key in sorted(by_subject)]


def _providers(scope: Scope, session: Session, settings: Settings, now: datetime) -> Iterator[Trouble]:
    configs = {(row.kind, row.name): row for row in provider_configs(scope, session)}
    feeds = _feeds(session, now)
    rows = session.exec(
        select(ProviderHealth)
        .where(
            col(ProviderHealth.open_until).is_not(None), col(ProviderHealth.last_failed_at) > now - NOT_ASKED
        )
        .order_by(col(ProviderHealth.kind), col(ProviderHealth.name))
    )
    for row in rows:
        if row.last_ok_at is not None and row.last_ok_at > now - DOWN_AFTER:
            continue
        subject = _name(row, configs, feeds, settings)
        if subject is None:
            continue
        answered = f"it last did {row.last_ok_at:%Y-%m-%d %H:%M} UTC" if row.last_ok_at else "it never did"
        said = f" The last error: {row.last_error[:SHOWN_MAX]}" if row.last_error else ""
        detail = f"It has not answered {row.failures} times in a row; {answered}.{said}"
        yield Trouble(AlertKind.SOURCE_DOWN, subject[:SUBJECT_MAX], detail)


def _name(
    row: ProviderHealth,
    configs: Mapping[tuple[ProviderKind, str], ProviderConfig],
    feeds: Mapping[str, str],
    settings: Settings,
) -> str | None:
    """What a person calls the provider; None for one that is switched off or read no more."""
    name, _, feed = row.name.partition(":")
    if not is_asked(row.kind, name, configs.get((row.kind, name)), settings):
        return None
    if not feed:
        return name
    return f"{name}: {feeds[row.name]}" if row.name in feeds else None


def _feeds(session: Session, now: datetime) -> dict[str, str]:
    """Feeds that were read lately, by the name of their breaker: the host, as an address may carry a key. Feeds of the
    same host are told apart by the beginning of their fingerprint."""
    read = session.exec(
        select(SourceResult.source_api, SourceResult.unit)
        .where(col(SourceResult.client_id).is_(None), col(SourceResult.created_at) > now - NOT_ASKED)
        .distinct()
    )
    found = {}
    for source, unit in read:
        breaker = feed_breaker(source, unit)
        host = urlsplit(unit).hostname or "feed"
        found[breaker] = f"{host} ({breaker.partition(':')[2][:6]})"
    return found


def _silence(scope: Scope, session: Session, now: datetime) -> Iterator[Trouble]:
    patience = session.exec(select(Business.silent_days).where(Business.id == scope.business)).one()
    found = quiet(scope, session, now)
    if found is None:
        return
    if found.unsearched is not None and found.unsearched >= patience:
        detail = f"No search for news has succeeded for {plural(found.unsearched, 'day')}."
    elif found.unfound >= patience:
        of = "the one client" if found.clients == 1 else f"any of the {found.clients} clients"
        detail = f"Nothing at all was found about {of} for {plural(found.unfound, 'day')}."
    else:
        return
    yield Trouble(AlertKind.SILENT_DAYS, "", detail)


def _outbox(scope: Scope, session: Session, now: datetime) -> Iterator[Trouble]:
    # next_attempt_at moves on with every attempt; when the mail was planned does not.
    waiting, oldest, error = _mails(
        session, col(Delivery.state) == DeliveryState.INTENT, col(Delivery.created_at) <= now - STUCK_AFTER
    )
    if waiting:
        held = hold_of(scope, session)
        why = f" {held.sentence}." if held is not None else f" The last error: {error}" if error else ""
        since = f"{oldest:%Y-%m-%d %H:%M} UTC" if oldest else "some time"
        detail = f"{plural(waiting, 'mail')} should have gone out, the oldest since {since}.{why}"
        yield Trouble(AlertKind.OUTBOX_STUCK, "waiting", detail)
    lost, _, _ = _mails(session, col(Delivery.state) == DeliveryState.UNKNOWN)
    if lost:
        were = "was" if lost == 1 else "were"
        detail = f"{plural(lost, 'mail')} {were} cut off while being sent: each may or may not have arrived."
        yield Trouble(AlertKind.OUTBOX_STUCK, "unknown", detail)


def _mails(session: Session, *which: ColumnElement[bool]) -> tuple[int, datetime | None, str]:
    """How many, since when, and what the newest attempt said."""
    which = (*which, col(Delivery.channel) == Channel.EMAIL)
    count, oldest = session.exec(select(func.count(), func.min(Delivery.created_at)).where(*which)).one()
    error = session.exec(
        select(Delivery.last_error)
        .where(*which, col(Delivery.last_error) != "")
        .order_by(col(Delivery.next_attempt_at).desc())
        .limit(1)
    ).first()
    return count, oldest, (error or "")[:SHOWN_MAX]


def _left_for_budget(session: Session) -> int:
    """Stories that the last run left to the rules because the AI's budget was used up."""
    last = session.exec(
        select(JobRun.counts)
        .where(
            JobRun.job_type == JobType.CLIENT_MONITORING,
            col(JobRun.state).in_((RunState.COMPLETED, RunState.DEGRADED)),
        )
        .order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc())
        .limit(1)
    ).first()
    return int(last.get(_LEFT_FOR_BUDGET, 0)) if last else 0


def _budget(scope: Scope, now: datetime, left: int) -> Iterator[Trouble]:
    allowed = spend(scope, days=1, clock=FixedClock(now))
    if not allowed.classifier:
        return
    # A budget of nothing is a wish, not a trouble.
    spent = [one for one in allowed.allowances if one.limit and not one.left]
    if not (spent or left):
        return
    said = [f"{one.limit:g} {'US dollars' if one.unit == 'usd' else 'calls'} a {one.period}" for one in spent]
    detail = f"{allowed.classifier}: " + (
        f"{', '.join(said)} are used up." if said else "a run's budget is used up."
    )
    if left:
        detail += f" The last run left {plural(left, 'story', 'stories')} to the rules."
    yield Trouble(AlertKind.BUDGET_SPENT, "AI", detail)


def _schedules(scope: Scope, session: Session, now: datetime) -> Iterator[Trouble]:
    for one in schedules(scope, session):
        if one.paused_by is PausedBy.FAILURES and not one.is_active:
            said = f" The last error: {one.last_error[:SHOWN_MAX]}" if one.last_error else ""
            detail = (
                f"It was switched off after {plural(one.consecutive_failures, 'failure')} in a row.{said}"
            )
            yield Trouble(AlertKind.SCHEDULE_DISABLED, one.name, detail, one.created_by)
        due = _missed(session, one, now) if one.is_active else None
        if due is not None:
            detail = f"It was due {due:%Y-%m-%d %H:%M} UTC and has not begun."
            yield Trouble(AlertKind.RUNS_LATE, one.name, detail, one.created_by)


def _missed(session: Session, schedule: AutomationSchedule, now: datetime) -> datetime | None:
    """The first start since the schedule's last run, or since it was last changed, that should long have been made."""
    since = [schedule.created_at]
    touched = select(func.max(AuditLog.created_at)).where(
        AuditLog.subject == str(schedule.id), col(AuditLog.action).startswith("schedule.")
    )
    begun = select(func.max(JobRun.slot), func.max(JobRun.started_at)).where(
        JobRun.schedule_id == schedule.id
    )
    since += [at for at in (session.exec(touched).one(), *session.exec(begun).one()) if at is not None]
    try:
        starts = next_runs(schedule, 1, after=max(since))
    except UserError:
        return None  # an expression that Prefect refuses: its row says so
    return starts[0] if starts and starts[0] <= now - LATE_AFTER else None
