"""Days without news: said in a digest, because nobody can tell quiet clients from a search that is broken."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.clients import Client
from models.jobs import JobRun, JobType, RunState
from models.news import Article, ArticleClient
from models.scope import Scope
from tasks.notify.wording import plural

_SEARCHED = (RunState.COMPLETED, RunState.DEGRADED)
_AGAIN = 7
"""Days between two reminders of the same silence."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """For how long nothing has come of the clients somebody follows, in whole days."""

    clients: int
    unsearched: int | None
    """Since a search succeeded; None: none ever did."""
    unfound: int
    """Since anything was found; since the first of them is watched, where nothing ever was."""


def quiet(
    scope: Scope, session: Session, at: datetime, *, clients: Collection[UUID] | None = None
) -> Quiet | None:
    """How quiet it is at ``at`` about these clients (None: all); None when there are none to hear of."""
    watched = _watched(session, clients)
    if not watched:
        return None
    searched = session.exec(
        select(func.max(JobRun.finished_at)).where(
            col(JobRun.job_type).in_((JobType.CLIENT_MONITORING, JobType.SEARCH_ONLY)),
            col(JobRun.state).in_(_SEARCHED),
            col(JobRun.finished_at) <= at,
        )
    ).one()
    last = session.exec(
        select(func.max(Article.first_seen_at))
        .join(ArticleClient, col(ArticleClient.article_id) == col(Article.id))
        .where(col(ArticleClient.client_id).in_(list(watched)), col(Article.first_seen_at) <= at)
    ).one()
    return Quiet(
        clients=len(watched),
        unsearched=None if searched is None else _days(searched, at),
        unfound=_days(last or min(watched.values()), at),
    )


def silence(
    scope: Scope,
    session: Session,
    at: datetime,
    *,
    clients: Collection[UUID] | None,
    silent_days: int,
    weekly: bool = False,
) -> str:
    """What to say in a digest due at ``at`` about days without anything; "" when there is nothing to say.

    ``clients`` are those the reader follows, None for all. Silence is said on its ``silent_days``-th day and every
    week after; a weekly digest says it whenever it lasts that long. No search at all comes first: it explains the
    rest.
    """
    found = quiet(scope, session, at, clients=clients)
    if found is None:
        return ""
    days = found.unsearched
    if days is not None and _due(days, silent_days, weekly):
        return (
            f"No search for news has succeeded for {plural(days, 'day')}. Tell whoever runs Client Monitor."
        )
    if not _due(found.unfound, silent_days, weekly):
        return ""
    of = "your client" if found.clients == 1 else f"any of your {found.clients} clients"
    return (
        f"Nothing at all was found about {of} for {plural(found.unfound, 'day')}. "
        "If that is unlikely, have the sources looked at."
    )


def _watched(session: Session, clients: Collection[UUID] | None) -> dict[UUID, datetime]:
    query = select(Client.id, Client.created_at).where(col(Client.archived_at).is_(None))
    if clients is not None:
        query = query.where(col(Client.id).in_(list(clients)))
    return dict(session.exec(query).all())


def _days(since: datetime, at: datetime) -> int:
    return (at - since) // timedelta(days=1)


def _due(days: int, silent_days: int, weekly: bool) -> bool:
    return days >= silent_days and (weekly or (days - silent_days) % _AGAIN == 0)
