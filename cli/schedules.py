"""When clients are monitored by themselves: schedules list, add, edit, pause, resume, delete, run, sync."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from cli.business import BusinessOption, scope_for
from cli.output import FAILED, clean, note, out, print_json, say, warn, warn_all

if TYPE_CHECKING:
    from models.scope import Scope
    from services.schedules import Change, Listed, SyncReport


class Type(StrEnum):
    """The types; here too, so that --help need not load the database."""

    MANUAL = "manual"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CUSTOM = "custom"


class Job(StrEnum):
    """The jobs; see ``Type``."""

    CLIENT_MONITORING = "client_monitoring"
    SEARCH_ONLY = "search_only"
    NOTIFICATION_DIGEST = "notification_digest"


NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME…", help="Names or ids of schedules.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name or id.")]
TypeOption = Annotated[
    Type | None, typer.Option("--type", "-t", help="How it recurs; custom is a cron expression.")
]
JobOption = Annotated[
    Job | None, typer.Option("--job", help="What it starts; notification_digest only wakes the tick.")
]
MinuteOption = Annotated[int | None, typer.Option(min=0, max=59, help="hourly: the minute.")]
AtOption = Annotated[str | None, typer.Option(help="daily, weekly, monthly: the time, such as 08:00.")]
DaysOption = Annotated[str | None, typer.Option(help="weekly: such as mon,tue,wed.")]
DayOption = Annotated[
    int | None, typer.Option(min=1, max=31, help="monthly: the day; 31 is the last day of every month.")
]
CronOption = Annotated[
    str | None, typer.Option(help='custom: five fields, such as "0 8 * * 1-5"; weekday 0 and 7 are Sunday.')
]
ZoneOption = Annotated[str | None, typer.Option("--zone", help="Its time zone, such as Europe/Berlin.")]
ClientOption = Annotated[
    list[str] | None, typer.Option("--client", "-c", help="Only this client; may be repeated.")
]
BackOption = Annotated[int | None, typer.Option(min=1, max=365, help="How many days back to look.")]


def register(app: typer.Typer) -> None:
    """Add ``schedules`` and its commands."""
    group = typer.Typer(
        name="schedules",
        help="When clients are monitored by themselves; Prefect works by it at once.",
        no_args_is_help=True,
    )
    group.command("list")(show)
    group.command("add")(add)
    group.command("edit")(edit)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("delete")(delete)
    group.command("run")(run)
    group.command("sync")(sync)
    app.add_typer(group)


def show(
    business: BusinessOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Every schedule: when it comes next, how its last run went, and whether Prefect works by it."""
    from services.schedules import list_schedules

    found = list_schedules(scope_for(business), runs=5)
    if as_json:
        print_json({"schedules": [_as_json(one) for one in found]})
        return
    if not found:
        say('no schedule yet; make one: client-monitor schedules add "Every morning" --type daily --at 07:30')
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("name", "when", "clients", "next (UTC)", "standing", "last run", "failures", "Prefect"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(*(Text(clean(cell)) for cell in _cells(one)))
    out.print(table)
    for one in found:
        if one.row.last_error and one.row.consecutive_failures:
            warn(f"{one.row.name}: last error: {one.row.last_error}")


def add(
    name: NameArgument,
    type_: TypeOption = Type.DAILY,
    job: JobOption = None,
    minute: MinuteOption = None,
    at: AtOption = None,
    days: DaysOption = None,
    day: DayOption = None,
    cron: CronOption = None,
    zone: ZoneOption = None,
    client: ClientOption = None,
    days_back: BackOption = None,
    business: BusinessOption = None,
) -> None:
    """Make a schedule; it is active at once."""
    from services.schedules import create, define

    scope = scope_for(business)
    given = _given(
        scope,
        name=name,
        schedule_type=type_ if cron is None else Type.CUSTOM,
        job_type=job,
        minute=minute,
        at=at,
        weekdays=days,
        day=day,
        cron=cron,
        timezone=zone,
        client=client,
        days_back=days_back,
    )
    _tell(create(scope, define(**given)))


def edit(
    name: NameArgument,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    type_: TypeOption = None,
    job: JobOption = None,
    minute: MinuteOption = None,
    at: AtOption = None,
    days: DaysOption = None,
    day: DayOption = None,
    cron: CronOption = None,
    zone: ZoneOption = None,
    client: ClientOption = None,
    all_clients: Annotated[bool, typer.Option("--all-clients", help="Every client that is watched.")] = False,
    days_back: BackOption = None,
    business: BusinessOption = None,
) -> None:
    """Change what is named of a schedule; the rest stays, a pause too."""
    from services.schedules import edit as change
    from services.schedules import find_schedule

    scope = scope_for(business)
    given = _given(
        scope,
        name=new_name,
        schedule_type=type_ if cron is None else Type.CUSTOM,
        job_type=job,
        minute=minute,
        at=at,
        weekdays=days,
        day=day,
        cron=cron,
        timezone=zone,
        client=client,
        days_back=days_back,
    )
    if all_clients:
        given["client_ids"] = None
    _tell(change(scope, find_schedule(scope, name).id, **given))


def pause(names: NamesArgument, business: BusinessOption = None) -> None:
    """Stop schedules until somebody resumes them."""
    from services.schedules import pause as stop

    _tell(_bulk(scope_for(business), names, stop))


def resume(names: NamesArgument, business: BusinessOption = None) -> None:
    """Let schedules start again, whoever or whatever stopped them."""
    from services.schedules import resume as start

    _tell(_bulk(scope_for(business), names, start))


def delete(
    names: NamesArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")] = False,
    business: BusinessOption = None,
) -> None:
    """Remove schedules; their runs stay in the history."""
    from services.schedules import delete as remove

    scope = scope_for(business)
    if not yes:
        typer.confirm(f"delete {', '.join(clean(name) for name in names)}?", abort=True, err=True)
    change = _bulk(scope, names, remove)
    say(f"deleted: {', '.join(row.name for row in change.schedules)}")
    _standing(change.report)


def run(name: NameArgument, business: BusinessOption = None) -> None:
    """Do now what a schedule does, paused or not: through Prefect where a worker would take it, else here."""
    from cli.run import finish, work
    from services.run_start import open_schedule, queue_schedule
    from services.schedules import find_schedule

    scope = scope_for(business)
    row = find_schedule(scope, name)
    started, why = queue_schedule(scope, row)
    if started is not None:
        say(f"{row.name}: {started.sentence}, flow run {started.flow_run_id}")
        return
    note(f"here, for {why}")
    plan = open_schedule(scope, row, trigger="cli", why=why)
    finish(work(plan, search_only=row.job_type.value == Job.SEARCH_ONLY.value))


def sync() -> None:
    """Bring every business's schedules and Prefect into step, and say what was done."""
    from services.schedules.tending import tend
    from services.setup import ensure_schema

    ensure_schema()
    report = tend()
    for line in report.done:
        say(line)
    warn_all(report.faults)
    if report.unreachable:
        warn(f"{report.unreachable}; {report.pending} waiting")
        note(f"→ {report.mend}")
        raise typer.Exit(FAILED)
    say(f"{report.in_step} in step, {report.pending} waiting")
    if report.faults:
        raise typer.Exit(FAILED)


def _given(scope: "Scope", *, client: list[str] | None, **fields: Any) -> dict[str, Any]:
    from services.runs import find_clients

    given = {
        key: value.value if isinstance(value, StrEnum) else value
        for key, value in fields.items()
        if value is not None
    }
    if client:
        given["client_ids"] = find_clients(scope, client)
    return given


def _bulk(scope: "Scope", names: list[str], change: Any) -> "Change":
    from services.schedules import find_schedule

    done: Change = change(scope, [find_schedule(scope, name).id for name in names])
    return done


def _tell(change: "Change") -> None:
    from models.base import utc_now
    from services.schedules import in_words, next_runs

    for row in change.schedules:
        say(f"{row.name}: {in_words(row)}", style="bold")
        if not row.is_active:
            say("  paused")
            continue
        for start in next_runs(row, 5, after=utc_now()):
            say(f"  {start:%a %Y-%m-%d %H:%M} UTC")
    _standing(change.report)


def _standing(report: "SyncReport") -> None:
    if report.is_in_step:
        note(report.sentence)
        return
    warn(report.sentence)
    if report.mend:
        note(f"→ {report.mend}")


def _cells(one: "Listed") -> tuple[str, ...]:
    row = one.row
    last = f"{row.last_run_state.value}, {row.last_run_at:%Y-%m-%d %H:%M}" if row.last_run_state else "-"
    return (
        row.name,
        f"{row.job_type.value.replace('_', ' ')}: {one.words}",
        ", ".join(one.clients) if one.clients is not None else "all",
        f"{one.next_runs[0]:%a %Y-%m-%d %H:%M}" if one.next_runs else "-",
        one.standing,
        last,
        str(row.consecutive_failures),
        one.sync,
    )


def _as_json(one: "Listed") -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "name": row.name,
        "job_type": row.job_type.value,
        "schedule_type": row.schedule_type.value,
        "words": one.words,
        "timezone": row.timezone,
        "clients": one.clients,
        "next_runs": [start.isoformat() for start in one.next_runs],
        "is_active": row.is_active,
        "paused_by": row.paused_by.value if row.paused_by else None,
        "last_run_at": row.last_run_at.isoformat() if row.last_run_at else None,
        "last_run_state": row.last_run_state.value if row.last_run_state else None,
        "consecutive_failures": row.consecutive_failures,
        "last_error": row.last_error,
        "sync_state": row.sync_state.value,
        "sync_error": row.sync_error,
    }
