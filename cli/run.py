"""Running it: run, demo, status, why."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from cli.business import BusinessOption
from cli.output import FAILED, clean, err, note, out, say, warn, warn_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.runs import RunSummary
    from tasks.plan import RunPlan, StageReport


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("demo")(demo)
    app.command("run")(run)
    app.command("status")(status)
    app.command("why")(why)


def run(
    business: BusinessOption = None,
    client: Annotated[
        list[str] | None, typer.Option("--client", "-c", help="Only this client; may be repeated.")
    ] = None,
    days_back: Annotated[int, typer.Option(min=1, max=365, help="How far back to look.")] = 7,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", "-s", help="google_news, rss:ADDRESS, archive:FILE …; may be repeated."),
    ] = None,
    force_mock: Annotated[
        bool, typer.Option("--force-mock", help="Invented news instead of real sources.")
    ] = False,
    baseline: Annotated[
        bool,
        typer.Option("--baseline/--no-baseline", help="Whether a client's first poll is history, not news."),
    ] = True,
    deliver: Annotated[
        bool | None,
        typer.Option(
            "--deliver/--no-deliver", help="Whether mail really leaves; archives write files by default."
        ),
    ] = None,
    prefect: Annotated[
        bool | None,
        typer.Option(
            "--prefect/--plain", help="As a Prefect flow run; the default where PREFECT_API_URL is set."
        ),
    ] = None,
    opened: Annotated[
        UUID | None, typer.Option("--opened", hidden=True, help="Work a run that the app wrote down.")
    ] = None,
) -> None:
    """Monitor clients now: search, fold copies, check, classify, filter and mail."""
    import os

    from models.scope import Scope
    from services.accounts import own_business
    from services.errors import UserError
    from services.runs import clients_by_id
    from services.setup import ensure_schema

    ensure_schema()
    tenant = own_business(business)
    slug = tenant.slug
    if opened is not None:
        from services.run_start import adopt_run

        plan, search_only = adopt_run(tenant.id, opened)
        finish(work(plan, search_only=search_only))
        return
    if not clients_by_id(Scope.system(tenant.id)):
        raise UserError(f"{slug} watches no client yet", "add some: client-monitor import-clients FILE.csv")
    as_flow = bool(os.environ.get("PREFECT_API_URL")) if prefect is None else prefect
    options = {
        "sources": source,
        "days_back": days_back,
        "force_mock": force_mock,
        "baseline": baseline,
        "deliver": deliver,
    }
    summary = _as_flow(slug, client, options) if as_flow else _plainly(slug, client, options)
    finish(summary)


def demo(
    plain: Annotated[bool, typer.Option("--plain", help="Without Prefect: the same result, sooner.")] = False,
) -> None:
    """Load a demo tenant with invented clients and news, run everything, and show what came of it."""
    from services.demo import DEMO_SLUG, load_demo
    from services.setup import ensure_schema

    ensure_schema()
    load_demo()
    note("demo tenant: 12 invented clients, 4 people; nothing leaves this machine")
    options = {"force_mock": True, "baseline": False, "deliver": False}
    summary = _plainly(DEMO_SLUG, None, options) if plain else _as_flow(DEMO_SLUG, None, options)
    finish(summary)
    _where_next()


def _plainly(slug: str, clients: list[str] | None, options: "Mapping[str, object]") -> "RunSummary":
    from services.runs import open_run

    return work(open_run(slug, client_names=clients, trigger="cli", **options))  # type: ignore[arg-type]


def work(plan: "RunPlan", *, search_only: bool = False) -> "RunSummary":
    """Work an open run to its end in this process."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from flows.pipeline import STAGES, Stages, run_pipeline
    from services.runs import close_run, progress

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    reports: dict[str, StageReport] = {}
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("starting", total=len(STAGES))

        def watch(report: "StageReport") -> None:
            reports[report.stage] = report
            progress(plan, report)
            counts = ", ".join(f"{v:,} {k.replace('_', ' ')}" for k, v in report.counts.items())
            bar.update(
                task, completed=STAGES.index(report.stage), description=f"{report.stage}: {counts}"[:90]
            )

        try:
            done = run_pipeline(plan, Stages(), watch, search_only=search_only)
            done.append(_digests_of_replay(plan))
        except BaseException as error:
            close_run(plan, list(reports.values()), error)
            raise
    return close_run(plan, done)


def _as_flow(slug: str, clients: list[str] | None, options: "Mapping[str, object]") -> "RunSummary":
    import os

    # An ephemeral server needs 12 to 30 seconds on a small machine; Prefect gives up after 20.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    if not os.environ.get("PREFECT_API_URL"):
        note("starting Prefect's own server for this run (12 to 30 seconds) …")
    from flows.monitor_clients import monitor_clients
    from models.jobs import RunState
    from models.scope import Scope
    from services.accounts import pick_business
    from services.runs import close_run, plan_of, run_of_flow, summarise

    state = monitor_clients(slug, clients, return_state=True, **options)
    scope = Scope.system(pick_business(slug).id)
    mine = run_of_flow(scope, str(state.state_details.flow_run_id))
    if mine is None or mine.finished_at is None:
        state.result(raise_on_failure=True)
        raise RuntimeError(f"the flow ended {state.name} before its run was written down")
    if mine.state is RunState.FAILED:
        return summarise(scope, mine.id)
    plan = plan_of(mine)
    digests = _digests_of_replay(plan)
    return summarise(scope, mine.id) if not digests.done else close_run(plan, [digests])


def _digests_of_replay(plan: "RunPlan") -> "StageReport":
    """A replay and the demo do not wait for tomorrow's window: their digests are written as of its time."""
    from services.replay import is_replay, replay_digests
    from tasks.plan import StageReport

    return replay_digests(plan) if is_replay(plan) else StageReport(stage="digests")


def finish(summary: "RunSummary") -> None:
    """Show what a run came to; exit 1 when it failed."""
    show(summary)
    warn_all(summary.problems, at_most=20)
    if summary.state.value == "failed":
        raise typer.Exit(FAILED)


def show(summary: "RunSummary") -> None:
    """Print a run's summary: stages, clients, people, and what did not work."""
    from tasks.notify.wording import plural

    c = summary.counts
    say(
        f"{summary.business}: {summary.state.value} in {summary.seconds:.1f} s, "
        f"as of {summary.as_of:%Y-%m-%d %H:%M} UTC",
        style="bold",
    )
    say(
        f"{plural(c.get('search.new', 0), 'new item')} → {plural(c.get('dedupe.articles', 0), 'article')} → "
        f"{plural(c.get('dedupe.stories', 0), 'story', 'stories')} naming a client → "
        f"{plural(c.get('classify.events', 0), 'event')}; {plural(summary.mails, 'mail')} written"
    )
    if summary.ai_line:
        say(f"AI: {summary.ai_line}")
    clients = Table(title="Clients", title_justify="left", header_style="bold", box=None, pad_edge=False)
    clients.add_column("client", no_wrap=True, width=26)
    for name in ("found", "stories", "events"):
        clients.add_column(name, justify="right", no_wrap=True, width=7)
    clients.add_column(
        "most relevant", overflow="ellipsis", no_wrap=True, width=max(20, min(90, out.width - 55))
    )
    for line in summary.clients:
        top = Text(clean(line.top))
        clients.add_row(Text(clean(line.name)), str(line.found), str(line.stories), str(line.events), top)
    out.print(clients)
    people = Table(title="People", title_justify="left", header_style="bold", box=None, pad_edge=False)
    people.add_column("person", no_wrap=True)
    for name in ("at once", "in digest", "waiting now"):
        people.add_column(name, justify="right", no_wrap=True)
    people.add_column("not mailed, and why", overflow="fold")
    for person in summary.people:
        reasons = ", ".join(f"{n} {why.replace('_', ' ')}" for why, n in person.skipped.items()) or "-"
        people.add_row(
            Text(person.email), str(person.mailed), str(person.in_digest), str(person.waiting), Text(reasons)
        )
    out.print(people)
    for degraded in summary.degraded:
        warn(f"degraded: {degraded}")
    if summary.error:
        warn(f"error: {summary.error}")


def _where_next() -> None:
    from models.settings import get_settings

    outbox = get_settings().outbox_dir
    mails = sorted(outbox.glob("*.eml"), key=lambda path: path.stat().st_mtime)
    out.print()
    say("Where to look next", style="bold")
    say(f"  the mails:          {outbox}/  (open one in any mail program)")
    if mails:
        say(f"                      the newest: {mails[-1].name}")
    say("  first, once:        . .venv/bin/activate")
    say("  why, or why not:    client-monitor why 'words of a headline' ines@example.com")
    say("  how things stand:   client-monitor status --business demo")
    say("  your own clients:   client-monitor import-clients clients.csv")
    say("                      client-monitor providers enable google_news && client-monitor run")


def status(business: BusinessOption = None) -> None:
    """How things stand: the last runs, their sources, what waits, the last mails."""
    from models.engine import reading
    from models.jobs import recent_runs
    from models.mail import deliveries
    from models.scope import Scope
    from services.accounts import pick_business
    from services.runs import client_names, source_lines, summarise
    from services.setup import ensure_schema

    ensure_schema()
    scope = Scope.system(pick_business(business).id)
    with reading(scope) as session:
        runs, mails = recent_runs(scope, session, 5), deliveries(scope, session, limit=8)
    if not runs:
        say("no run yet; start one with: client-monitor run")
        return
    table = Table(title="Last runs", title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in ("started (UTC)", "state", "as of", "items", "events", "trigger"):
        table.add_column(name)
    for one in runs:
        counts = one.counts
        table.add_row(
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            one.state.value,
            f"{one.as_of:%Y-%m-%d %H:%M}",
            str(counts.get("search.new", 0)),
            str(counts.get("classify.events", 0)),
            one.trigger,
        )
    out.print(table)
    sources = Table(
        title="Sources of the last run", title_justify="left", header_style="bold", box=None, pad_edge=False
    )
    for name in ("source", "unit", "state", "found", "new", "note"):
        sources.add_column(name, overflow="fold")
    names = client_names(scope)
    for result in source_lines(scope, runs[0].id)[:40]:
        said = result.error or "; ".join(result.problems[:2])
        asked_for = names.get(result.client_id) if result.client_id else None
        unit = Text(clean(asked_for or Path(result.unit).name or result.unit))
        found = (str(result.found), str(result.new))
        sources.add_row(result.source_api, unit, result.state.value, *found, Text(clean(said)))
    out.print(sources)
    if mails:
        log = Table(title="Last mails", title_justify="left", header_style="bold", box=None, pad_edge=False)
        for name in ("to", "kind", "slot", "state", "subject"):
            log.add_column(name, overflow="ellipsis", no_wrap=True, max_width=60)
        for mail in mails:
            log.add_row(
                mail.recipient, mail.kind.value, mail.slot, mail.state.value, Text(clean(mail.subject))
            )
        out.print(log)
    show(summarise(scope, runs[0].id))


def why(
    article: Annotated[str, typer.Argument(help="An article's address, its title, or a few words of it.")],
    user: Annotated[str, typer.Argument(help="A person's address.")],
    business: BusinessOption = None,
) -> None:
    """Why somebody did, or did not, get an article: each stage's decision with its reason."""
    from models.scope import Scope
    from services.accounts import pick_business
    from services.setup import ensure_schema
    from services.why import why as ask

    ensure_schema()
    told = ask(Scope.system(pick_business(business).id), article, user)
    say(f"{told.article}  ({told.source})", style="bold")
    for step in told.steps:
        about = f" [{step.client}]" if step.client else ""
        evidence = f"  “{step.evidence}”" if step.evidence else ""
        by = f", by {step.judged_by}" if step.judged_by else ""
        say(f"  {step.stage:<9}{step.verdict}{about}: {step.sentence} ({step.reason_code}{by}){evidence}")
    say(f"→ {told.answer}")
    sys.stdout.flush()
