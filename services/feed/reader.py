"""Who reads a feed: their clients, their zone, and when their next mail comes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from models.accounts import Frequency, User, UserPreference
from models.feed import watched_names
from models.scope import Role, Scope
from services.accounts import is_admin
from services.errors import UserError
from services.next_digest import next_digest
from tasks.filter.facts import People, load_people
from tasks.notify.planning import Reader
from tasks.notify.windows import daily_window, zone_of


@dataclass(frozen=True, slots=True)
class FeedReader:
    """One person as a feed needs them, as they stood when it was read."""

    user: User
    wants: UserPreference
    zone: ZoneInfo
    clients: dict[UUID, str]
    """Every client that is watched: its name, by name."""
    own: frozenset[UUID]
    """Those the person follows: assigned, covered for somebody absent, or all."""
    covered: dict[UUID, str]
    """The clients that are an absent colleague's, with the colleague's name."""
    next_digest: datetime | None
    now: datetime

    @property
    def id(self) -> UUID:
        return self.user.id

    @property
    def follows_all(self) -> bool:
        return not self.wants.assigned_clients_only

    @property
    def email_is_off(self) -> bool:
        return not self.wants.email_notifications_enabled

    @property
    def frequency(self) -> Frequency:
        return self.wants.notification_frequency

    def day(self, moment: datetime) -> date:
        """The local date of an instant."""
        return moment.astimezone(self.zone).date()

    def starts(self, day: date) -> datetime:
        """The first instant of a local date, UTC."""
        return daily_window(day, time(0), self.zone)

    def after(self, day: date) -> datetime:
        """The first instant after a local date, UTC."""
        return self.starts(day + timedelta(days=1))


def feed_reader(scope: Scope, session: Session, user_id: UUID, now: datetime) -> FeedReader:
    """The person whose feed it is. PermissionError for anybody else's, an admin's look too: notes are private.

    UserError when there is no such person.
    """
    if user_id != scope.user_id and scope.role is not Role.SYSTEM:
        raise PermissionError("a feed with its notes is its reader's own")
    people = load_people(scope, session, [user_id])
    user = people.users.get(user_id)
    if user is None:
        raise UserError("there is no such person in this business", "reload the page")
    clients = watched_names(scope, session)
    own, covered = follows(people, user_id, clients, now)
    zone = zone_of(user.timezone) or ZoneInfo("UTC")
    wants = people.preferences[user_id]
    reader = Reader(user, wants, zone, people.absences.get(user_id))
    return FeedReader(user, wants, zone, clients, own, covered, next_digest(reader, now), now)


def reach_of(reader: FeedReader, scope: Scope, *, everyone: bool) -> frozenset[UUID]:
    """The clients a feed is about. PermissionError for everybody's, unless an admin or who follows all asks."""
    if not everyone:
        return reader.own
    if not is_admin(scope) and not reader.follows_all:
        raise PermissionError(f"a {scope.role.value} sees the news of the clients they follow")
    return frozenset(reader.clients)


def follows(
    people: People, user_id: UUID, clients: Collection[UUID], now: datetime
) -> tuple[frozenset[UUID], dict[UUID, str]]:
    """Which of these clients the person follows, and which are an absent colleague's, with the colleague's name."""
    covered: dict[UUID, str] = {}
    own: set[UUID] = set()
    for client_id in clients:
        facts = people.facts(user_id, client_id, now)
        if facts.stands_in_for:
            covered[client_id] = facts.stands_in_for
        if facts.assigned or not facts.assigned_clients_only:
            own.add(client_id)
    return frozenset(own), covered
