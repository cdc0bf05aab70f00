"""What a digest says besides news: which sources could not be read, and days without anything."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import Session, col, select

from models.clients import Client
from models.jobs import JobRun, JobType
from models.news import SourceResult, SourceState
from models.scope import Scope
from tasks.notify.silence import silence

_NAMED_AT_MOST = 5
_TROUBLE = {
    SourceState.FAILED: "could not be read",
    SourceState.QUOTA: "reached its limit of calls",
    SourceState.PARTIAL: "was read in part",
}


class Notices(NamedTuple):
    """What a digest says besides news; false when there is nothing to say."""

    degraded: tuple[str, ...] = ()
    silence: str = ""

    def __bool__(self) -> bool:
        return any(self)


def notices(
    scope: Scope,
    session: Session,
    followed: Collection[UUID] | None,
    at: datetime,
    *,
    weekly: bool,
    silent_days: int,
) -> Notices:
    """Sources that could not be read, and days without anything, at ``at``.

    ``followed`` are the reader's clients, None for all; ``silent_days`` is the tenant's.
    """
    return Notices(
        degraded_sources(scope, session, followed),
        silence(scope, session, at, clients=followed, silent_days=silent_days, weekly=weekly),
    )


def degraded_sources(scope: Scope, session: Session, followed: Collection[UUID] | None) -> tuple[str, ...]:
    """What the newest run could not read of what this reader follows (None: all), each in words.

    A feed concerns everybody; of a source asked client by client only the reader's own clients are named.
    """
    run = session.exec(
        select(JobRun.id)
        .where(col(JobRun.job_type).in_((JobType.CLIENT_MONITORING, JobType.SEARCH_ONLY)))
        .order_by(col(JobRun.started_at).desc(), col(JobRun.id).desc())
        .limit(1)
    ).first()
    if run is None:
        return ()
    bad = session.exec(
        select(SourceResult, Client.name)
        .outerjoin(Client, col(Client.id) == col(SourceResult.client_id))
        .where(SourceResult.job_run_id == run, col(SourceResult.state).in_(tuple(_TROUBLE)))
        .order_by(col(SourceResult.source_api), col(SourceResult.unit))
    ).all()
    if not bad:
        return ()
    said: list[str] = []
    of_clients: dict[tuple[str, SourceState], list[str]] = {}
    for result, client in bad:
        if result.client_id is None:
            said.append(f"{result.source_api} ({_unit_name(result.unit)}) {_TROUBLE[result.state]}")
        elif followed is None or result.client_id in followed:
            of_clients.setdefault((result.source_api, result.state), []).append(client)
    for (source, state), names in of_clients.items():
        said.append(f"{source} {_TROUBLE[state]} for {_some(sorted(names))}")
    return tuple(said)


def _unit_name(unit: str) -> str:
    """A feed's host or a file's name: an address may carry a key in its path or query."""
    parts = urlsplit(unit)
    return parts.hostname or PurePath(unit).name or "feed"


def _some(names: Sequence[str]) -> str:
    if len(names) <= _NAMED_AT_MOST:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_AT_MOST])} and {len(names) - _NAMED_AT_MOST} more"
