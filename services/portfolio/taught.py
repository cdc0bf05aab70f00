"""What people taught about a client: rules of matching and kinds of event they want no more, and what each does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from models.accounts import users
from models.base import utc_now
from models.clients import Client, ClientMatchRule
from models.engine import reading
from models.events import Category
from models.feedback import Feedback, FeedbackVerdict
from models.links import links_of_client
from models.news import LinkState
from models.portfolio import mutes_of, rules_of, verdicts_on
from models.scope import Scope
from services.accounts import is_admin
from services.judgement.text import describe_rule
from services.portfolio.page import known_client
from services.teaching.lessons import Affected, affected, differing

REACH = timedelta(days=90)
"""How far back the effect of a rule is counted."""
SHOWN = 5
"""Examples of what a rule keeps away."""


class Teaching(BaseModel):
    """One verdict that a rule or mute rests on."""

    model_config = ConfigDict(frozen=True)

    feedback_id: UUID
    person: str
    """Empty where the one who looks may not know, or the person was erased."""
    title: str
    """Of the event it was said of."""
    at: datetime
    note: str
    may_undo: bool


class TaughtRule(BaseModel):
    """A rule of matching."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    sentence: str
    note: str
    created_at: datetime
    undone_at: datetime | None
    keeps_away: int = 0
    """Articles of the last 90 days that would be about the client without it."""
    examples: tuple[Affected, ...] = ()
    teachings: tuple[Teaching, ...] = ()


class MutedKind(BaseModel):
    """A kind of event that one person wants no more of at this client."""

    model_config = ConfigDict(frozen=True)

    category: Category
    person: str
    is_own: bool
    since: datetime
    teachings: tuple[Teaching, ...]


class Taught(BaseModel):
    """All of it."""

    model_config = ConfigDict(frozen=True)

    rules: tuple[TaughtRule, ...]
    mutes: tuple[MutedKind, ...]
    """The looker's own; for an admin everybody's."""
    loose: tuple[Teaching, ...]
    """"Wrong company" verdicts that made no rule: they keep their own story away."""


def taught(scope: Scope, client_id: UUID, *, now: datetime | None = None) -> Taught:
    """What was taught about the client, and what it does. UserError when there is no such client."""
    since = (now or utc_now()) - REACH
    with reading(scope) as session:
        client = known_client(scope, session, client_id)
        rules = rules_of(scope, session, client_id)
        said = _Said(scope, session, client_id)
        effects = _effects(scope, session, client, [one for one in rules if one.undone_at is None], since)
        mutes = [row for row in mutes_of(scope, session, client_id) if said.may_see(row.user_id)]
    return Taught(
        rules=tuple(
            TaughtRule(
                id=rule.id,
                sentence=describe_rule(rule),
                note=rule.note,
                created_at=rule.created_at,
                undone_at=rule.undone_at,
                keeps_away=len(effects.get(rule.id, ())),
                examples=tuple(effects.get(rule.id, ())[:SHOWN]),
                teachings=said.where(rule_id=rule.id),
            )
            for rule in rules
        ),
        mutes=tuple(
            MutedKind(
                category=row.category,
                person=said.name(row.user_id),
                is_own=row.user_id == scope.user_id,
                since=row.created_at,
                teachings=said.where(mute_id=row.id),
            )
            for row in mutes
        ),
        loose=said.where(rule_id=None, verdict=FeedbackVerdict.WRONG_COMPANY),
    )


class _Said:
    """Verdicts on the client's events that are in force, as the looker may see them."""

    def __init__(self, scope: Scope, session: Session, client_id: UUID) -> None:
        self._scope = scope
        self._names = {user.id: user.name for user in users(scope, session)}
        verdicts = (FeedbackVerdict.WRONG_COMPANY, FeedbackVerdict.NOT_RELEVANT)
        self._verdicts = verdicts_on(scope, session, client_id, verdicts)

    def may_see(self, user_id: UUID | None) -> bool:
        return is_admin(self._scope) or (user_id is not None and user_id == self._scope.user_id)

    def name(self, user_id: UUID | None) -> str:
        return self._names.get(user_id, "") if user_id is not None and self.may_see(user_id) else ""

    def where(self, **wanted: object) -> tuple[Teaching, ...]:
        """Those whose columns have these values."""
        return tuple(
            self._teaching(said, title)
            for said, title in self._verdicts
            if all(getattr(said, name) == value for name, value in wanted.items())
        )

    def _teaching(self, said: Feedback, title: str) -> Teaching:
        return Teaching(
            feedback_id=said.id,
            person=self.name(said.user_id),
            title=title,
            at=said.created_at,
            note=said.note if self.may_see(said.user_id) else "",
            may_undo=self.may_see(said.user_id),
        )


def _effects(
    scope: Scope, session: Session, client: Client, rules: Sequence[ClientMatchRule], since: datetime
) -> dict[UUID, list[Affected]]:
    """By rule: the articles that it alone keeps from the client."""
    if not rules:
        return {}
    # A rule that was taught a moment ago has its articles in the backlog still.
    kept = links_of_client(scope, session, client.id, since, [LinkState.REJECTED, LinkState.CANDIDATE])
    return {
        rule.id: affected(differing(client, kept, rules, [one for one in rules if one is not rule]))
        for rule in rules
    }
