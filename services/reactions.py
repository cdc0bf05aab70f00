"""What a person has said of an item already, for a door that shows it and offers to take it back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.clients import find_client
from models.engine import reading
from models.events import event_by_id
from models.feedback import FeedbackVerdict, active_feedback
from models.scope import Scope
from services.errors import UserError
from services.teaching.threshold import threshold_hint


@dataclass(frozen=True, slots=True)
class Reaction:
    """An item, and what the scope's person says of it at present."""

    title: str
    client: str
    feedback_id: UUID | None
    effect: str = ""
    hint: str = ""
    """What all they said suggests besides; "" while that is nothing."""


def reaction(
    scope: Scope, event_id: UUID, verdict: FeedbackVerdict, *, now: datetime | None = None
) -> Reaction:
    """Whether the scope's person has given this verdict on the event. UserError when the event is gone. Reads only."""
    with reading(scope) as session:
        event = event_by_id(scope, session, event_id)
        client = find_client(scope, session, event.client_id) if event else None
        if event is None or client is None:
            raise UserError("this item is not kept any more", "what you said of others is")
        said = [
            one
            for one in active_feedback(scope, session, event_id)
            if one.user_id == scope.user_id and one.verdict is verdict
        ]
    if not said:
        return Reaction(event.title, client.name, None)
    hint = None
    if verdict is FeedbackVerdict.NOT_RELEVANT and scope.user_id is not None:
        hint = threshold_hint(scope, scope.user_id, now=now)
    return Reaction(event.title, client.name, said[0].id, said[0].effect, hint.sentence if hint else "")
