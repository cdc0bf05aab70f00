"""A client changes hands: what waits for its old reader moves to the new one; what was told stays told."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists
from sqlalchemy import select as sa_select
from sqlmodel import Session, col

from models.engine import insert_rows
from models.events import Decision, Event, Stage
from models.mail import Channel, Notification, NotificationState, SkipReason
from models.scope import Scope
from models.settings import get_settings
from tasks.filter.facts import FACT_COLUMNS, People, event_facts, load_people
from tasks.filter.known import known_lines, let_go, reconsider
from tasks.filter.ledger import decision, line_row, lines
from tasks.filter.rules import reach

_TOLD = (
    NotificationState.ATTACHED,
    NotificationState.DELIVERED,
    NotificationState.FAILED,
    NotificationState.UNKNOWN,
)


def hand_over(
    scope: Scope,
    session: Session,
    client_id: UUID,
    *,
    gone: Collection[UUID],
    new: Collection[UUID],
    at: datetime,
) -> int:
    """After a change of assignments, in its transaction: how many lines wait for the newcomers now.

    Lines that wait for who no longer follows the client are closed as not assigned. Newcomers are weighed for the
    client's news of the last ``freshness_days`` that nobody was told of yet; its history stays history.
    """
    days = get_settings().freshness_days
    if gone:
        let_go(scope, session, load_people(scope, session, gone), at=at, client_id=client_id)
    untold = _untold(session, client_id, at - timedelta(days=days)) if new else []
    return _offer(scope, session, load_people(scope, session, new), untold, sorted(new), at) if untold else 0


def _untold(session: Session, client_id: UUID, since: datetime) -> list[Any]:
    """The client's decided news since then that is in nobody's mail. Invented news is nobody's."""
    told = exists().where(
        col(Notification.event_id) == col(Event.id),
        col(Notification.revision) == col(Event.revision),
        col(Notification.state).in_(_TOLD),
    )
    query = sa_select(*FACT_COLUMNS, col(Event.revision), col(Event.article_id)).where(
        col(Event.client_id) == client_id,
        col(Event.happened_at) >= since,
        col(Event.withdrawn_at).is_(None),
        col(Event.is_history).is_(False),
        col(Event.is_mock).is_(False),
        col(Event.needs_filter).is_(False),
        ~told,
    )
    return list(session.execute(query.order_by(col(Event.id))))


def _offer(
    scope: Scope, session: Session, people: People, untold: list[Any], new: list[UUID], at: datetime
) -> int:
    days = get_settings().freshness_days
    ids = [row.id for row in untold]
    # Somebody who comes back has lines already: those are decided again, never doubled.
    old = lines(scope, session, states=(NotificationState.SKIPPED,), user_ids=new, event_ids=ids)
    waiting = reconsider(
        session, people, [line for line in old if line.reason is SkipReason.NOT_ASSIGNED], now=at
    )
    known, _ = known_lines(session, ids, ())
    rows, decisions = [], []
    for row in untold:
        facts = event_facts(row)
        for user_id in new:
            if (row.id, row.revision, user_id) in known:
                continue
            person = people.facts(user_id, facts.client_id, at)
            verdict = reach(facts, person, as_of=at, freshness_days=days)
            waiting += verdict.route is not None
            rows.append(
                line_row(
                    verdict,
                    event=facts,
                    revision=row.revision,
                    user_id=user_id,
                    channel=Channel.EMAIL,
                    at=at,
                )
            )
            decisions.append(
                decision(
                    verdict,
                    stage=Stage.FILTER,
                    at=at,
                    event=facts,
                    article_id=row.article_id,
                    user_id=user_id,
                    job_run_id=None,
                    bar=person.bar,
                )
            )
    insert_rows(session, Notification, rows)
    insert_rows(session, Decision, decisions)
    return waiting
