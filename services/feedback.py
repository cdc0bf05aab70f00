"""Readers' verdicts: tried, given, listed and undone. They change the next run by rules that can be read.

"Wrong company" withdraws the event, makes a narrow rule where one is safe, and puts every match in question back into
the backlog of *classify*; "not relevant" mutes that kind of event at that client, for that reader alone.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from sqlmodel import Session

from models.accounts import users
from models.audit import record
from models.base import utc_now
from models.clients import Client, client_by_id
from models.engine import reading, writing
from models.events import Event, event_by_id
from models.feedback import Feedback, FeedbackVerdict, active_feedback, feedback_list, feedback_page
from models.scope import Scope
from services.accounts import is_admin, lock_business, require_admin
from services.keyset import mark, place
from services.shortids import pick
from services.teaching import not_relevant, wrong_company
from services.teaching.lessons import Affected, affected
from services.teaching.target import find_event, require_voice


class Preview(BaseModel):
    """What a verdict would do, before it is given."""

    verdict: str
    client: str
    title: str
    effect: str
    why: str = ""
    removes: list[Affected]
    """What of the last 90 days it would have kept away besides this story."""
    of: int
    """Out of so many of the client."""


class Said(BaseModel):
    """One verdict as it stands in the record."""

    id: UUID
    verdict: str
    client: str
    title: str
    person: str
    """Their address; empty where they were erased, or when the one who asks is no admin and it was not them."""
    effect: str
    note: str
    created_at: datetime
    undone_at: datetime | None


def preview(
    scope: Scope,
    wanted: str,
    verdict: FeedbackVerdict,
    *,
    client: str | None = None,
    phrase: str | None = None,
    now: datetime | None = None,
) -> Preview:
    """What the verdict would do; nothing is changed. Errors as for ``give``."""
    at = now or utc_now()
    with reading(scope) as session:
        event, about = find_event(scope, session, wanted, client)
        require_voice(scope, session, verdict, about)
        told = Preview(
            verdict=verdict.value, client=about.name, title=event.title, effect="", removes=[], of=0
        )
        if verdict is FeedbackVerdict.WRONG_COMPANY:
            lesson = wrong_company.lesson(scope, session, event, about, phrase, at)
            told.effect, told.why, told.of = lesson.effect, lesson.why, lesson.of
            told.removes = affected(lesson.removes)
        elif verdict is FeedbackVerdict.NOT_RELEVANT:
            muted, every = not_relevant.would_mute(scope, session, event, at)
            told.of = every - (event in muted)
            told.effect = not_relevant.effect(event, about)
            told.removes = [
                Affected(title=one.title, source="", at=one.happened_at)
                for one in muted
                if one.id != event.id
            ]
        else:
            told.effect = _RECORDED
    return told


_RECORDED = "recorded; nothing changes"


def give(
    scope: Scope,
    wanted: str,
    verdict: FeedbackVerdict,
    *,
    client: str | None = None,
    phrase: str | None = None,
    note: str = "",
    now: datetime | None = None,
) -> Said:
    """Say something of an event, in the name of the scope's person. Saying it twice is saying it once.

    ``wanted``: the event's id, or an article's id, address or title. ``phrase``: the words to make a rule of. UserError
    when the event is unknown or the phrase not in it, PermissionError when the person may not.
    """
    at = now or utc_now()
    with writing(scope) as session:
        lock_business(scope, session)
        event, about = find_event(scope, session, wanted, client)
        person = require_voice(scope, session, verdict, about)
        for said in active_feedback(scope, session, event.id):
            if said.user_id == person and said.verdict is verdict:
                return _told(scope, session, said, event, about)
        said = Feedback(
            business_id=scope.business,
            event_id=event.id,
            client_id=about.id,
            user_id=person,
            verdict=verdict,
            note=" ".join(note.split())[:500],
            created_at=at,
        )
        if verdict is FeedbackVerdict.WRONG_COMPANY:
            lesson = wrong_company.lesson(scope, session, event, about, phrase, at)
            said.effect = lesson.effect
            wrong_company.apply(scope, session, event, said, lesson, at)
        elif verdict is FeedbackVerdict.NOT_RELEVANT:
            said.effect = not_relevant.effect(event, about)
            not_relevant.apply(scope, session, event, said, person, at)
        else:
            said.effect = _RECORDED
        session.add(said)
        session.flush()
        record(
            scope,
            session,
            "feedback.given",
            str(said.id),
            verdict=verdict.value,
            client=str(about.id),
            effect=said.effect,
        )
        return _told(scope, session, said, event, about)


def listing(scope: Scope, *, undone: bool = False) -> list[Said]:
    """What was said, newest first; with ``undone`` also what was taken back."""
    with reading(scope) as session:
        return [
            _told(
                scope,
                session,
                said,
                _event(scope, session, said),
                client_by_id(scope, session, said.client_id),
            )
            for said in feedback_list(scope, session, undone=undone)
        ]


@dataclass(frozen=True, slots=True)
class FeedbackPage:
    """Verdicts, newest first."""

    said: tuple[Said, ...]
    next: str
    """What to ask for the page of older ones with; empty on the last page."""


def page(
    scope: Scope,
    *,
    undone: bool = False,
    verdict: FeedbackVerdict | None = None,
    after: str = "",
    limit: int = 30,
) -> FeedbackPage:
    """A page of what was said in the tenant, in one query. For admins. UserError for an ``after`` that no page gave."""
    require_admin(scope)
    with reading(scope) as session:
        rows = feedback_page(
            scope, session, undone=undone, verdict=verdict, after=place(after), limit=limit + 1
        )
    shown = rows[:limit]
    last = shown[-1][0] if len(rows) > limit else None
    return FeedbackPage(
        tuple(
            _row(said, title=title, client=client, person=person or "")
            for said, title, client, person in shown
        ),
        mark(last.created_at, last.id) if last else "",
    )


def undo(scope: Scope, given: str, *, now: datetime | None = None) -> tuple[Said, int]:
    """Take a verdict back, by its id or the end of it: the verdict, and how many items are decided again.

    One's own, or as an admin anybody's; PermissionError otherwise, UserError when there is none of that id in force.
    """
    at = now or utc_now()
    with writing(scope) as session:
        lock_business(scope, session)
        in_force = feedback_list(scope, session)
        said = pick(in_force, given, "verdict in force", "client-monitor feedback list shows them")
        if not is_admin(scope) and (scope.user_id is None or said.user_id != scope.user_id):
            raise PermissionError("only an admin may undo what somebody else said")
        event, about = _event(scope, session, said), client_by_id(scope, session, said.client_id)
        said.undone_at = at
        session.add(said)
        session.flush()
        still = [other for other in in_force if other.id != said.id]
        again = 0
        if said.verdict is FeedbackVerdict.WRONG_COMPANY:
            again = wrong_company.undo(scope, session, event, about, said, still, at)
        elif said.verdict is FeedbackVerdict.NOT_RELEVANT:
            again = not_relevant.undo(scope, session, said, still, at)
        record(
            scope,
            session,
            "feedback.undone",
            str(said.id),
            verdict=said.verdict.value,
            client=str(about.id),
            effect=said.effect,
        )
        return _told(scope, session, said, event, about), again


def _event(scope: Scope, session: Session, said: Feedback) -> Event:
    event = event_by_id(scope, session, said.event_id)
    assert event is not None, "feedback goes with its event"
    return event


def _told(scope: Scope, session: Session, said: Feedback, event: Event, client: Client) -> Said:
    person = ""
    if said.user_id is not None and (is_admin(scope) or said.user_id == scope.user_id):
        person = next((u.email for u in users(scope, session) if u.id == said.user_id), "")
    return _row(said, title=event.title, client=client.name, person=person)


def _row(said: Feedback, *, title: str, client: str, person: str) -> Said:
    return Said(
        id=said.id,
        verdict=said.verdict.value,
        client=client,
        title=title,
        person=person,
        effect=said.effect,
        note=said.note,
        created_at=said.created_at,
        undone_at=said.undone_at,
    )
