"""Enrich, the ledger's side: one fresh snapshot for each client whose news waits to be classified."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select

from models import breakers
from models.accounts import Business
from models.base import utc_now
from models.breakers import Ended
from models.clients import Client
from models.crm import INVENTED, CrmSnapshot, latest_snapshots
from models.engine import insert_rows, reading, writing
from models.jobs import heartbeat
from models.news import ArticleClient, LinkState, SourceState
from models.providers import ProviderKind
from models.scope import Scope
from models.settings import get_settings
from tasks.crashes import crashed
from tasks.enrich import connect
from tasks.enrich.crm import Account, Crm, CrmError, FetchError, Http
from tasks.enrich.snapshot import Facts, facts_of
from tasks.net.ended import ended
from tasks.plan import RunPlan, StageReport

CHUNK = 200
"""Clients a CRM is asked about at once, and snapshots a transaction: what its protocol allows."""


def crm_name(scope: Scope, session: Session, plan: RunPlan) -> str | None:
    """The CRM this run asks, or None. The invented one serves the demo and forced mock runs, nobody else."""
    if plan.force_mock or session.get_one(Business, scope.business).is_demo:
        return INVENTED
    return connect.in_force(scope, session)


def enrich_batch(plan: RunPlan, chunk: int = CHUNK, *, http: Http | None = None) -> StageReport:
    """Ask the CRM about every client that has news and no snapshot young enough, ``chunk`` of them at a time.

    ``http`` is left open; without one the deployment's own is made.

    A client the CRM does not have gets an empty snapshot, and is not asked about again before that is old. A chunk
    that fails leaves the last snapshots in force, is named in ``degraded``, and stops no other. ``done`` is 0 once
    something failed: what is left would only fail again.
    """
    scope = plan.scope
    with reading(scope) as session:
        name = crm_name(scope, session, plan)
        backlog = _backlog(scope, session, plan, name) if name is not None else []
    if name is None or not backlog:
        return StageReport(stage="enrich")
    chunks = [backlog[start : start + chunk] for start in range(0, len(backlog), chunk)]
    with nullcontext(http) if http is not None else Http(get_settings()) as used:
        asked = _ask(plan, name, chunks, used)
    left = len(backlog) - asked.written
    degraded: tuple[str, ...] = ()
    if asked.problems:
        kept = "1 client keeps its" if left == 1 else f"{left} clients keep their"
        degraded = (f"CRM {name}: {'; '.join(dict.fromkeys(asked.problems))} ({kept} last snapshot)",)
    return StageReport(
        stage="enrich",
        done=0 if asked.problems else asked.written,
        counts={"snapshots": asked.written, "crm_failures": left},
        degraded=degraded,
    )


@dataclass(slots=True)
class _Asked:
    """What came of the chunks so far."""

    written: int = 0
    problems: list[str] = field(default_factory=list)


def _ask(plan: RunPlan, name: str, chunks: Sequence[Sequence[Client]], http: Http) -> _Asked:
    """Chunk by chunk, each committed by itself, until all are asked or there is no sense in asking on."""
    asked = _Asked()
    scope, kind = plan.scope, ProviderKind.CRM
    crm: Crm | None = None
    for clients in chunks:
        admission = breakers.admit(scope, kind, name)
        if not admission.may_ask:
            asked.problems.append(admission.refusal)
            break
        how, said = Ended.UNDECIDED, ""
        try:
            crm = crm or connect.make(scope, name, http)
            rows = _rows(crm, name, clients, plan.as_of)
            how = Ended.ANSWERED
        except SQLAlchemyError:
            raise  # ours, not the CRM's: the whole batch is tried again
        except Exception as error:
            how, said = ended(error), _in_one_line(name, error)
            asked.problems.append(said)
            if crm is None or (isinstance(error, FetchError) and error.state is SourceState.QUOTA):
                break  # not set up, or spent: no other chunk would fare better
            continue
        finally:
            breakers.leave(scope, kind, name, admission, how, said)
        with writing(scope) as session:
            insert_rows(session, CrmSnapshot, rows)
            heartbeat(scope, session, plan.job_run_id)
        asked.written += len(rows)
    return asked


def _rows(crm: Crm, name: str, clients: Sequence[Client], as_of: datetime) -> list[dict[str, Any]]:
    accounts = [Account(client.id, client.name, client.crm_id, client.domain) for client in clients]
    records = crm.records(accounts, as_of)
    now = utc_now()
    rows = []
    for client in clients:
        record = records.get(client.id)
        facts = facts_of(record, as_of) if record is not None else Facts()
        rows.append({"client_id": client.id, "provider": name, "taken_at": now, **asdict(facts)})
    return rows


def _in_one_line(name: str, error: Exception) -> str:
    if isinstance(error, CrmError | FetchError):
        return str(error)
    return crashed("CRM", name, error)


def _backlog(scope: Scope, session: Session, plan: RunPlan, provider: str) -> list[Client]:
    waiting = select(ArticleClient.client_id).where(ArticleClient.state == LinkState.CANDIDATE).distinct()
    query = select(Client).where(col(Client.id).in_(waiting), col(Client.archived_at).is_(None))
    if plan.client_ids is not None:
        query = query.where(col(Client.id).in_(plan.client_ids))
    clients = list(session.exec(query.order_by(col(Client.name))))
    oldest = utc_now() - timedelta(hours=get_settings().crm_max_age_hours)
    snapshots = latest_snapshots(scope, session, [client.id for client in clients], provider=provider)
    return [c for c in clients if c.id not in snapshots or snapshots[c.id].taken_at < oldest]
