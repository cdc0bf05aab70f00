"""Everything that the page of one person's preferences shows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import select

from models.accounts import Business, stored_preference
from models.base import utc_now
from models.clients import client_names
from models.engine import reading
from models.feed import watched_names
from models.mail import DeliveryKind
from models.scope import Scope
from services.feed.reader import follows
from services.preferences import (
    Colleague,
    LastChange,
    Preferences,
    colleagues,
    last_change,
    person_of,
    preferences_of_person,
)
from services.subscriptions import standing
from services.teaching.threshold import threshold_hint
from tasks.filter.facts import load_people


@dataclass(frozen=True, slots=True)
class ClientWish:
    """One client, and what the person asked for of it alone."""

    client_id: UUID
    client: str
    muted: bool
    threshold: float | None


@dataclass(frozen=True, slots=True)
class PreferencePage:
    """One person's preferences, and what stands around them."""

    user_id: UUID
    name: str
    email: str
    is_own: bool
    wants: Preferences
    clients: tuple[ClientWish, ...]
    """Those the person follows, and those with an exception, by name."""
    colleagues: tuple[Colleague, ...]
    last: LastChange | None
    tracks: bool
    """The tenant counts opens and clicks."""
    consented_at: datetime | None
    stopped: frozenset[DeliveryKind]
    """Kinds of mail the person unsubscribed from."""
    blocked: str
    """Why no mail at all goes to the address, in a word of ``SuppressionReason``; empty when it does."""
    hint: str = ""
    """What the person's verdicts suggest about the threshold; "" while that is nothing."""


def preference_page(scope: Scope, user_id: UUID, *, now: datetime | None = None) -> PreferencePage:
    """The person's page: their own, or an admin's look. PermissionError, UserError as for their preferences."""
    wants = preferences_of_person(scope, user_id)
    with reading(scope) as session:
        user = person_of(scope, session, user_id)
        people = load_people(scope, session, [user_id])
        watched = watched_names(scope, session)
        own, _ = follows(people, user_id, watched, now or utc_now())
        asked = {client_id: row for (_, client_id), row in people.exceptions.items()}
        special = {one for one, row in asked.items() if row.muted or row.relevance_threshold is not None}
        names = client_names(scope, session, own | special)
        tracks = session.exec(select(Business.tracking_enabled).where(Business.id == scope.business)).one()
        stored = stored_preference(scope, session, user_id)
    clients = [
        ClientWish(
            client_id,
            name,
            client_id in asked and asked[client_id].muted,
            asked[client_id].relevance_threshold if client_id in asked else None,
        )
        for client_id, name in sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))
    ]
    stands = standing(scope, user.email)
    hint = threshold_hint(scope, user_id, now=now)
    return PreferencePage(
        user_id=user_id,
        name=user.name,
        email=user.email,
        is_own=user_id == scope.user_id,
        wants=wants,
        clients=tuple(clients),
        colleagues=tuple(colleagues(scope, user_id)),
        last=last_change(scope, user_id),
        tracks=tracks,
        consented_at=stored.tracking_consent_at if stored else None,
        stopped=stands.stopped,
        blocked=stands.blocked,
        hint=hint.sentence if hint else "",
    )
