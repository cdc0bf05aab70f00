"""Which event a verdict is on, and who may give it."""

from uuid import UUID

from sqlmodel import Session

from models.accounts import preferences_of
from models.clients import Client, client_by_id, open_assignments
from models.events import Event, event_by_id, events_of_story
from models.feedback import FeedbackVerdict
from models.scope import Role, Scope
from services.clients import name_key
from services.errors import UserError
from services.why import find_article

_LIST = "give the article's address or title as in the mail, and the client with --client"


def find_event(scope: Scope, session: Session, wanted: str, client: str | None) -> tuple[Event, Client]:
    """The event meant: by its own id, or an article's id, address or title, and the client where there are several."""
    try:
        own = event_by_id(scope, session, UUID(wanted))
    except ValueError:
        own = None
    if own is not None:
        events = [own]
    else:
        article = find_article(scope, session, wanted)
        if article is None or article.story_id is None:
            raise UserError(f"no event found for {wanted!r}", _LIST)
        events = events_of_story(scope, session, article.story_id)
    clients = {event.id: client_by_id(scope, session, event.client_id) for event in events}
    if client is not None:
        events = [e for e in events if name_key(clients[e.id].name) == name_key(client)]
    if not events:
        raise UserError(f"{wanted!r} is no event{f' of {client}' if client else ''}", _LIST)
    if len(events) > 1:
        names = ", ".join(sorted(clients[e.id].name for e in events))
        raise UserError(f"{wanted!r} concerns several clients: {names}", "name one with --client")
    return events[0], clients[events[0].id]


def require_voice(scope: Scope, session: Session, verdict: FeedbackVerdict, client: Client) -> UUID:
    """The person who gives the verdict; PermissionError when they may not.

    What concerns a person's own mail anybody may say; "wrong company" changes everybody's, so it takes an owner, an
    admin, or a manager who looks after the client.
    """
    if scope.user_id is None:
        raise PermissionError("feedback is a person's: say whose")
    if verdict is not FeedbackVerdict.WRONG_COMPANY or scope.role in {Role.OWNER, Role.ADMIN}:
        return scope.user_id
    if scope.role is not Role.MANAGER:
        raise PermissionError(f"a {scope.role.value} may not teach what is about a client")
    follows_all = not preferences_of(scope, session)[scope.user_id].assigned_clients_only
    if not follows_all and scope.user_id not in open_assignments(scope, session).get(client.id, set()):
        raise PermissionError(f"only those who look after {client.name} may teach what is about it")
    return scope.user_id
