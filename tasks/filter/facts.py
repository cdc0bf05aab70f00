"""The rules' facts about people, read once for many events."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, and_, col, or_, select

from models.accounts import ClientPreference, User, UserPreference
from models.clients import ClientAssignment
from models.events import Event
from models.feedback import category_mutes
from models.mail import EVERY_TOPIC, DeliveryKind, suppressed_topics
from models.scope import Scope
from tasks.filter.absence import Absence, absence_of
from tasks.filter.rules import EventFacts, PersonFacts, Verdict, person_objection


@dataclass(frozen=True, slots=True)
class People:
    """A tenant's people, what they asked for, and who looks after whom, as they stood in one transaction."""

    users: Mapping[UUID, User]
    preferences: Mapping[UUID, UserPreference]
    exceptions: Mapping[tuple[UUID, UUID], ClientPreference]
    assigned: Mapping[UUID, frozenset[UUID]]
    """Client id → ids of the people who look after it now."""
    suppressed: Mapping[str, frozenset[str]]
    """Address in lower case → the topics it must not be written to about."""
    muted: Mapping[tuple[UUID, UUID], Collection[str]] = field(default_factory=dict)
    """(user id, client id) → kinds of event that are not relevant to the person there."""
    absences: Mapping[UUID, Absence] = field(default_factory=dict)
    """Of everybody who entered one, past ones too; with the clients of those in ``assigned``."""
    _everything: tuple[UUID, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        everything = tuple(
            user.id
            for user in self.users.values()
            if user.gets_mail and not self.preferences[user.id].assigned_clients_only
        )
        object.__setattr__(self, "_everything", everything)

    def considered(self, client_id: UUID, at: datetime) -> list[UUID]:
        """Whom an event of this client is weighed for: those assigned to it, who stands in for one of them, and
        active people who follow all clients; by address, so that any two runs agree on the order."""
        covers = {absence.cover for absence in self._away_from(client_id, at) if absence.cover}
        ids = {*self.assigned.get(client_id, ()), *covers, *self._everything} & self.users.keys()
        return sorted(ids, key=lambda user_id: self.users[user_id].email)

    def facts(self, user_id: UUID, client_id: UUID, at: datetime) -> PersonFacts:
        """The person as the rules see them for this client at that moment."""
        user, wants = self.users[user_id], self.preferences[user_id]
        own = user_id in self.assigned.get(client_id, ())
        covered = [a.name for a in self._away_from(client_id, at) if a.cover == user_id and not own]
        absence = self.absences.get(user_id)
        exception = self.exceptions.get((user_id, client_id))
        categories = wants.notification_categories
        return PersonFacts(
            user_id=user_id,
            active=user.gets_mail,
            assigned=own or bool(covered),
            assigned_clients_only=wants.assigned_clients_only,
            notifications_on=wants.notification_enabled,
            email_on=wants.email_notifications_enabled,
            suppressed=EVERY_TOPIC in self._barred(user),
            unsubscribed=self._barred(user),
            client_muted=exception is not None and exception.muted,
            categories=None if categories is None else frozenset(categories),
            muted_categories=frozenset(self.muted.get((user_id, client_id), ())),
            threshold=wants.relevance_threshold,
            client_threshold=exception.relevance_threshold if exception else None,
            frequency=wants.notification_frequency,
            away=absence is not None and absence.at(at),
            stands_in_for=", ".join(sorted(covered)),
        )

    def followed(self, user_id: UUID) -> frozenset[UUID] | None:
        """The clients the person looks after; None for who follows all."""
        if not self.preferences[user_id].assigned_clients_only:
            return None
        return frozenset(client for client, readers in self.assigned.items() if user_id in readers)

    def away_within(self, user_id: UUID, start: datetime, end: datetime) -> timedelta:
        """How much of that time the person was away."""
        absence = self.absences.get(user_id)
        return absence.within(start, end) if absence else timedelta(0)

    def _away_from(self, client_id: UUID, at: datetime) -> list[Absence]:
        """Absences, at that moment, of people who look after the client."""
        found = (self.absences.get(user_id) for user_id in self.assigned.get(client_id, ()))
        return [absence for absence in found if absence is not None and absence.at(at)]

    def unreachable(self, user_id: UUID, kind: DeliveryKind | None = None) -> Verdict | None:
        """What keeps every mail (with ``kind``: every such mail) from this person, whatever the client."""
        user, wants = self.users[user_id], self.preferences[user_id]
        return person_objection(
            PersonFacts(
                user_id=user_id,
                active=user.gets_mail,
                notifications_on=wants.notification_enabled,
                email_on=wants.email_notifications_enabled,
                suppressed=EVERY_TOPIC in self._barred(user),
                unsubscribed=self._barred(user),
            ),
            kind,
        )

    def _barred(self, user: User) -> frozenset[str]:
        return self.suppressed.get(user.email.lower(), frozenset())


def load_people(scope: Scope, session: Session, only: Collection[UUID] | None = None) -> People:
    """The tenant's people, or ``only`` those; who has no preferences row has the defaults."""

    def narrowed(query: Any, column: Any) -> Any:
        return query if only is None else query.where(column.in_(only))

    everybody = select(User)
    if only is not None:
        # Themselves, and the absent colleagues they stand in for.
        stood_in_for = and_(col(User.absent_from).is_not(None), col(User.cover_user_id).in_(only))
        everybody = everybody.where(or_(col(User.id).in_(only), stood_in_for))
    known = list(session.exec(everybody))
    users = {user.id: user for user in known if only is None or user.id in only}
    absences = {user.id: absence for user in known if (absence := absence_of(user)) is not None}
    stored = {
        row.user_id: row
        for row in session.exec(narrowed(select(UserPreference), col(UserPreference.user_id)))
    }
    whose = None if only is None else {*only, *absences}
    assigned: dict[UUID, set[UUID]] = {}
    open_ones = select(ClientAssignment.client_id, ClientAssignment.user_id).where(
        col(ClientAssignment.ended_at).is_(None)
    )
    if whose is not None:
        open_ones = open_ones.where(col(ClientAssignment.user_id).in_(whose))
    for client_id, user_id in session.exec(open_ones):
        assigned.setdefault(client_id, set()).add(user_id)
    exceptions = session.exec(narrowed(select(ClientPreference), col(ClientPreference.user_id)))
    addresses = None if only is None else {user.email.lower() for user in users.values()}
    return People(
        users=users,
        preferences={
            user_id: stored.get(user_id) or UserPreference(business_id=user.business_id, user_id=user_id)
            for user_id, user in users.items()
        },
        exceptions={(row.user_id, row.client_id): row for row in exceptions},
        assigned={client_id: frozenset(ids) for client_id, ids in assigned.items()},
        suppressed=suppressed_topics(scope, session, addresses),
        muted=category_mutes(scope, session, only),
        absences=absences,
    )


FACT_COLUMNS: tuple[Any, ...] = (
    *(Event.id, Event.client_id, Event.category, Event.relevance, Event.happened_at, Event.is_history),
    *(Event.language, Event.language_supported, Event.withdrawn_at),
)
"""What ``event_facts`` reads of a row."""


def event_facts(row: Any) -> EventFacts:
    """The rules' view of an Event or of a result row with its columns."""
    return EventFacts(
        event_id=row.id,
        client_id=row.client_id,
        category=str(row.category.value if hasattr(row.category, "value") else row.category),
        relevance=row.relevance,
        happened_at=row.happened_at,
        is_history=row.is_history,
        language=row.language,
        language_supported=row.language_supported,
        withdrawn=row.withdrawn_at is not None,
    )
