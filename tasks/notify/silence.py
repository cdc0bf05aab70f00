"""Days without news: said in a digest, because nobody can tell quiet clients from a search that is broken."""

from collections.abc import Collection
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
    watched = _watched(session, clients)
    if not watched:
        return ""
    searched = session.exec(
        select(func.max(JobRun.finished_at)).where(
            col(JobRun.job_type).in_((JobType.CLIENT_MONITORING, JobType.SEARCH_ONLY)),
            col(JobRun.state).in_(_SEARCHED),
            col(JobRun.finished_at) <= at,
        )
    ).one()
    days = _days(searched, at)
    if days is not None and _due(days, silent_days, weekly):
        return (
            f"No search for news has succeeded for {plural(days, 'day')}. Tell whoever runs Client Monitor."
        )
    last = session.exec(
        select(func.max(Article.first_seen_at))
        .join(ArticleClient, col(ArticleClient.article_id) == col(Article.id))
        .where(col(ArticleClient.client_id).in_(list(watched)), col(Article.first_seen_at) <= at)
    ).one()
    days = _days(last or min(watched.values()), at)
    if days is None or not _due(days, silent_days, weekly):
        return ""
    of = "your client" if len(watched) == 1 else f"any of your {len(watched)} clients"
    return (
        f"Nothing at all was found about {of} for {plural(days, 'day')}. "
        "If that is unlikely, have the sources looked at."
    )


def _watched(session: Session, clients: Collection[UUID] | None) -> dict[UUID, datetime]:
    query = select(Client.id, Client.created_at).where(col(Client.archived_at).is_(None))
    if clients is not None:
        query = query.where(col(Client.id).in_(list(clients)))
    return dict(session.exec(query).all())


def _days(since: datetime | None, at: datetime) -> int | None:
    return None if since is None else (at - since) // timedelta(days=1)


def _due(days: int, silent_days: int, weekly: bool) -> bool:
    return days >= silent_days and (weekly or (days - silent_days) % _AGAIN == 0)
