"""Enrich, the ledger's side: one fresh snapshot for each client whose news waits to be classified."""

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta

from sqlmodel import Session, col, select

from models.accounts import Business
from models.base import utc_now
from models.clients import Client
from models.crm import INVENTED, CrmSnapshot, latest_snapshots
from models.engine import insert_rows, reading, writing
from models.jobs import heartbeat
from models.news import ArticleClient, LinkState
from models.scope import Scope
from models.settings import get_settings
from tasks import registry
from tasks.enrich.crm import Account, Crm, CrmError, Facts
from tasks.plan import RunPlan, StageReport

LOG = logging.getLogger(__name__)


def crm_for(plan: RunPlan, *, is_demo: bool) -> Crm | None:
    """The CRM this run asks, or None. The invented one serves the demo and forced mock runs, nobody else."""
    name = INVENTED if plan.force_mock or is_demo else get_settings().crm
    if name == "none" or (name == INVENTED and not (plan.force_mock or is_demo)):
        return None
    provider: Crm = registry.load(registry.CRMS, name)()
    return provider


def enrich_batch(plan: RunPlan, limit: int = 200) -> StageReport:
    """Ask the CRM about up to ``limit`` clients that have news and no snapshot young enough.

    A CRM that fails leaves the last snapshot in force and is named in ``degraded``; ``done`` counts the snapshots
    written, so that a CRM that is down does not make the stage run for ever.
    """
    scope = plan.scope
    with reading(scope) as session:
        business = session.get_one(Business, scope.business)
        crm = crm_for(plan, is_demo=business.is_demo)
        backlog = _backlog(scope, session, plan, crm.name, limit) if crm is not None else []
    if crm is None or not backlog:
        return StageReport(stage="enrich")

    def ask(client: Client) -> Facts | CrmError | None:
        try:
            return crm.facts(Account(client.name, client.crm_id, client.domain), plan.as_of)
        except CrmError as error:
            return error
        except Exception as error:
            # Its message may quote a key or a person: the log gets the places and the class, not the words.
            where = "".join(traceback.format_tb(error.__traceback__))
            LOG.error("CRM %s failed with %s\n%s", crm.name, type(error).__name__, where)
            return CrmError(f"a fault in the provider itself ({type(error).__name__}); see the log")

    with ThreadPoolExecutor(max_workers=get_settings().search_concurrency) as pool:
        answers = list(zip(backlog, pool.map(ask, backlog), strict=True))
    now = utc_now()
    rows = [
        {"client_id": client.id, "provider": crm.name, "taken_at": now, **asdict(facts or Facts())}
        for client, facts in answers
        if not isinstance(facts, CrmError)
    ]
    failures = [(client, error) for client, error in answers if isinstance(error, CrmError)]
    with writing(scope) as session:
        insert_rows(session, CrmSnapshot, rows)
        heartbeat(scope, session, plan.job_run_id)
    degraded: tuple[str, ...] = ()
    if failures:
        kept = "1 client keeps its" if len(failures) == 1 else f"{len(failures)} clients keep their"
        degraded = (f"CRM {crm.name}: {failures[0][1]} ({kept} last snapshot)",)
    return StageReport(
        stage="enrich",
        done=len(rows),
        counts={"snapshots": len(rows), "crm_failures": len(failures)},
        degraded=degraded,
    )


def _backlog(scope: Scope, session: Session, plan: RunPlan, provider: str, limit: int) -> list[Client]:
    waiting = select(ArticleClient.client_id).where(ArticleClient.state == LinkState.CANDIDATE).distinct()
    query = select(Client).where(col(Client.id).in_(waiting), col(Client.archived_at).is_(None))
    if plan.client_ids is not None:
        query = query.where(col(Client.id).in_(plan.client_ids))
    clients = list(session.exec(query.order_by(col(Client.name))))
    oldest = utc_now() - timedelta(hours=get_settings().crm_max_age_hours)
    snapshots = latest_snapshots(scope, session, [client.id for client in clients], provider=provider)
    return [c for c in clients if c.id not in snapshots or snapshots[c.id].taken_at < oldest][:limit]
