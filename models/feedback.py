"""What people said of events, and what that taught: rules about clients, and kinds of event a reader wants no more."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, and_, or_
from sqlmodel import Session, col, select

from models.accounts import ClientPreference, User
from models.base import TenantRow, enum_field, table_args, tenant_fk, utc_field
from models.clients import Client
from models.events import Category, Event
from models.scope import Scope


class FeedbackVerdict(StrEnum):
    USEFUL = "useful"
    NOT_RELEVANT = "not_relevant"
    WRONG_COMPANY = "wrong_company"


class CategoryMute(TenantRow, table=True):
    """That a person wants no more of one kind of event at one client. It goes when the person is erased."""

    __tablename__ = "category_mutes"
    __table_args__ = table_args(
        tenant_fk("user_id", "users", ondelete="CASCADE"),
        tenant_fk("client_id", "clients", ondelete="CASCADE"),
        Index("ix_category_mutes_person", "business_id", "user_id", "client_id"),
    )

    user_id: UUID
    client_id: UUID
    category: Category = enum_field(Category)
    created_at: datetime = utc_field(nullable=False)
    undone_at: datetime | None = utc_field()


class Feedback(TenantRow, table=True):
    """What a person said of an event, and the rule that came of it.

    Before the person can be erased their id must go from here (``forget_person``); verdict, effect and rule stay.
    """

    __tablename__ = "feedback"
    __table_args__ = table_args(
        tenant_fk("event_id", "events", ondelete="CASCADE"),
        tenant_fk("user_id", "users"),
        tenant_fk("rule_id", "client_match_rules"),
        tenant_fk("mute_id", "category_mutes"),
        Index("ix_feedback_event", "business_id", "event_id"),
        Index("ix_feedback_time", "business_id", "created_at"),
    )

    event_id: UUID
    client_id: UUID
    user_id: UUID | None = None
    verdict: FeedbackVerdict = enum_field(FeedbackVerdict)
    note: str = ""
    effect: str = ""
    rule_id: UUID | None = None
    mute_id: UUID | None = None
    created_at: datetime = utc_field(nullable=False)
    undone_at: datetime | None = utc_field()


def category_mutes(
    scope: Scope, session: Session, users: Collection[UUID] | None = None
) -> dict[tuple[UUID, UUID], set[Category]]:
    """Kinds of event that are muted now, by (user id, client id); with ``users`` by them alone."""
    muted: dict[tuple[UUID, UUID], set[Category]] = {}
    query = select(CategoryMute).where(col(CategoryMute.undone_at).is_(None))
    if users is not None:
        query = query.where(col(CategoryMute.user_id).in_(users))
    for row in session.exec(query):
        muted.setdefault((row.user_id, row.client_id), set()).add(row.category)
    return muted


def relevance_of_verdicts(
    scope: Scope, session: Session, user_id: UUID, since: datetime
) -> list[tuple[FeedbackVerdict, float]]:
    """A person's verdicts in force since then, each with its event's relevance; not on clients for which they have a
    threshold of their own."""
    special = select(ClientPreference.client_id).where(
        ClientPreference.user_id == user_id, col(ClientPreference.relevance_threshold).is_not(None)
    )
    query = (
        select(Feedback.verdict, Event.relevance)
        .join(Event, col(Event.id) == Feedback.event_id)
        .where(
            Feedback.user_id == user_id,
            col(Feedback.undone_at).is_(None),
            col(Feedback.created_at) >= since,
            col(Feedback.client_id).not_in(special),
        )
    )
    said = session.exec(query.order_by(col(Feedback.id)))
    return [(FeedbackVerdict(verdict), relevance) for verdict, relevance in said]


def feedback_list(scope: Scope, session: Session, *, undone: bool = False) -> list[Feedback]:
    """What was said, newest first; with ``undone`` also what was taken back."""
    query = select(Feedback).order_by(col(Feedback.created_at).desc(), col(Feedback.id).desc())
    return list(session.exec(query if undone else query.where(col(Feedback.undone_at).is_(None))))


def feedback_page(
    scope: Scope,
    session: Session,
    *,
    undone: bool,
    verdict: FeedbackVerdict | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[tuple[Feedback, str, str, str | None]]:
    """What was said, newest first: with the event's title, the client's name and the person's address, if any.

    ``after`` is the last of the page before; without ``undone`` only what is in force.
    """
    query = (
        select(Feedback, Event.title, Client.name, User.email)
        .join(Event, col(Event.id) == Feedback.event_id)
        .join(Client, col(Client.id) == Feedback.client_id)
        .outerjoin(User, col(User.id) == col(Feedback.user_id))
        .order_by(col(Feedback.created_at).desc(), col(Feedback.id).desc())
        .limit(limit)
    )
    if not undone:
        query = query.where(col(Feedback.undone_at).is_(None))
    if verdict is not None:
        query = query.where(Feedback.verdict == verdict)
    if after is not None:
        at, row_id = after
        older = and_(col(Feedback.created_at) == at, col(Feedback.id) < row_id)
        query = query.where(or_(col(Feedback.created_at) < at, older))
    return [(said, title, client, email) for said, title, client, email in session.exec(query)]


def feedback_by_id(scope: Scope, session: Session, feedback_id: UUID) -> Feedback | None:
    """The feedback with this id, undone or not."""
    return session.exec(select(Feedback).where(Feedback.id == feedback_id)).first()


def active_feedback(scope: Scope, session: Session, event_id: UUID) -> list[Feedback]:
    """What was said of an event and not taken back, oldest first."""
    query = select(Feedback).where(Feedback.event_id == event_id, col(Feedback.undone_at).is_(None))
    return list(session.exec(query.order_by(col(Feedback.id))))


def active_mute(
    scope: Scope, session: Session, user_id: UUID, client_id: UUID, category: Category
) -> CategoryMute | None:
    """The person's mute of this kind of event at this client, while in force."""
    query = select(CategoryMute).where(
        CategoryMute.user_id == user_id,
        CategoryMute.client_id == client_id,
        CategoryMute.category == category,
        col(CategoryMute.undone_at).is_(None),
    )
    return session.exec(query).first()


def disowned(scope: Scope, session: Session, story_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], UUID]:
    """(story id, client id) → feedback id, for the stories that a reader said are about another company."""
    query = (
        select(Event.story_id, Feedback.client_id, Feedback.id)
        .join(Event, col(Event.id) == Feedback.event_id)
        .where(
            Feedback.verdict == FeedbackVerdict.WRONG_COMPANY,
            col(Feedback.undone_at).is_(None),
            col(Event.story_id).in_(story_ids),
        )
    )
    return {(story, client): feedback for story, client, feedback in session.exec(query)}


def forget_person(scope: Scope, session: Session, user_id: UUID) -> int:
    """Take a person out of what they said, and what only concerned them; how many verdicts are left without one.

    The last step before the person's row is deleted; the rules that their verdicts taught stay in force.
    """
    said = list(session.exec(select(Feedback).where(Feedback.user_id == user_id)))
    for row in said:
        row.user_id, row.mute_id, row.note = None, None, ""
        session.add(row)
    session.flush()
    for mute in session.exec(select(CategoryMute).where(CategoryMute.user_id == user_id)):
        session.delete(mute)
    session.flush()
    return len(said)
