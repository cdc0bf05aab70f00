"""From ids to what is shown: every table asked once, however many events there are."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlmodel import Session, select

from models.accounts import Business, Frequency
from models.crm import latest_snapshots
from models.events import Event, Insight, classified_by, judged_by
from models.feed import (
    LedgerLine,
    Shown,
    Sibling,
    insights_of,
    last_reasons,
    lines_of,
    muted_clients,
    outlets_of,
    said_of,
    shown_rows,
    siblings_of,
)
from models.mail import Channel, Delivery, DeliveryKind, NotificationState, Route, SkipReason
from models.marks import EventMark
from models.scope import Scope
from models.settings import get_settings
from services.feed.reader import FeedReader
from services.feed.shown import How, Marks, Other, ShownEvent, Standing, Verdict
from tasks.notify.compose import crm_line, letter_kind
from tasks.notify.safe import safe_url

NEW_FOR = timedelta(days=30)
"""What is older counts as read: a list nobody empties is no list."""
_OUTLETS_NAMED = 6
_HOW = {
    NotificationState.ATTACHED: How.ON_ITS_WAY,
    NotificationState.DELIVERED: How.MAILED,
    NotificationState.FAILED: How.FAILED,
    NotificationState.UNKNOWN: How.UNKNOWN,
    NotificationState.SKIPPED: How.NOT_MAILED,
}


def assemble(
    scope: Scope, session: Session, reader: FeedReader, event_ids: Sequence[UUID], *, fold: bool = True
) -> list[ShownEvent]:
    """These events in this order; ids that are no event's are left out.

    With ``fold`` a story that is there for several clients stands once, by the event named first.
    """
    found = shown_rows(scope, session, event_ids, reader.id)
    rows = [found[event_id] for event_id in event_ids if event_id in found]
    if not rows:
        return []
    ids = [row.event.id for row in rows]
    stories = list({row.event.story_id for row in rows})
    beside = _by_story(siblings_of(scope, session, stories, reader.own))
    known = _Known(scope, session, reader, ids, stories, {row.client.id for row in rows})
    shown: list[ShownEvent] = []
    told: set[UUID] = set()
    for row in rows:
        if fold and row.event.story_id in told:
            continue
        told.add(row.event.story_id)
        shown.append(known.show(row, beside.get(row.event.story_id, ())))
    return shown


class _Known:
    """What the tables beside the events say, asked once each."""

    def __init__(
        self,
        scope: Scope,
        session: Session,
        reader: FeedReader,
        ids: Sequence[UUID],
        stories: Sequence[UUID],
        clients: Iterable[UUID],
    ) -> None:
        self._reader = reader
        self._outlets = outlets_of(scope, session, stories)
        self._insights = insights_of(scope, session, ids)
        self._engines = classified_by(scope, session, ids)
        self._lines = lines_of(scope, session, ids, reader.id)
        self._reasons = last_reasons(scope, session, ids, reader.id)
        self._said = said_of(scope, session, ids, reader.id)
        self._muted = muted_clients(scope, session, reader.id)
        is_demo = session.exec(select(Business.is_demo).where(Business.id == scope.business)).one()
        self._crm = latest_snapshots(scope, session, sorted(clients), invented=is_demo)
        self._crm_age = timedelta(hours=get_settings().crm_max_age_hours)

    def show(self, row: Shown, beside: Sequence[Sibling]) -> ShownEvent:
        event, reader = row.event, self._reader
        insight = self._insights.get(event.id)
        said = [
            Verdict(feedback_id=one.id, verdict=one.verdict, effect=one.effect)
            for one in self._said.get(event.id, ())
        ]
        snapshot = self._crm.get(event.client_id)
        return ShownEvent(
            event_id=event.id,
            story_id=event.story_id,
            article_id=event.article_id,
            client_id=event.client_id,
            client=row.client.name,
            title=event.title,
            url=safe_url(row.article.url),
            outlets=max(row.outlet_count, 1),
            outlet_names=self._outlet_names(row),
            category=event.category,
            relevance=event.relevance,
            sentiment=event.sentiment,
            risk=event.risk,
            reason=event.reason,
            evidence=event.evidence,
            summary=event.summary,
            what_changed=event.what_changed if event.revision > 1 else "",
            judged_by=judged_by(self._engines.get(event.id, "rules")),
            crm_line=crm_line(snapshot, row.client, at=reader.now, max_age=self._crm_age),
            published_at=event.published_at,
            happened_at=event.happened_at,
            revision=event.revision,
            language=event.language,
            language_unsupported=not event.language_supported,
            is_history=event.is_history,
            is_mock=event.is_mock,
            is_degraded=event.is_degraded,
            others=tuple(
                Other(event_id=one.event_id, client_id=one.client_id, client=one.client)
                for one in beside
                if one.event_id != event.id
            ),
            marks=marks_view(row.mark),
            is_new=is_new(event, row.mark, reader),
            said=tuple(said),
            client_muted=event.client_id in self._muted,
            stands_in_for=reader.covered.get(event.client_id, ""),
            standing=self._standing(event),
            **_insight(insight),
        )

    def _outlet_names(self, row: Shown) -> tuple[str, ...]:
        first = row.article.source or row.article.publisher
        names = [first, *self._outlets.get(row.event.story_id, ())]
        return tuple(dict.fromkeys(name for name in names if name))[:_OUTLETS_NAMED]

    def _standing(self, event: Event) -> Standing:
        found = self._lines.get(event.id)
        sentence = self._reasons.get(event.id, "")
        if found is None:
            how = How.UNDECIDED if event.needs_filter else How.NOT_YOURS
            return Standing(how=how, sentence=sentence)
        return standing(found, sentence, self._reader)


def standing(found: LedgerLine, sentence: str, reader: FeedReader) -> Standing:
    """What the ledger's line says of its event, in the reader's terms."""
    line, mail = found
    said = Standing(
        how=_HOW.get(line.state, How.WAITS),
        reason=line.reason,
        sentence=sentence,
        is_dry=line.channel is Channel.FILE,
        delivery_id=mail.id if mail else None,
        mail=_mail(mail),
    )
    if line.channel is Channel.IN_APP:
        return said.model_copy(update={"how": How.IN_APP, "at": line.updated_at})
    if line.state is NotificationState.WAITING:
        if line.route is Route.INSTANT:
            return said.model_copy(update={"mail": Frequency.INSTANT.value})
        weekly = reader.frequency is Frequency.WEEKLY
        kind = Frequency.WEEKLY if weekly else Frequency.DAILY
        return said.model_copy(update={"mail": kind.value, "at": reader.next_digest})
    if line.state is NotificationState.SKIPPED and line.reason is SkipReason.OVER_LIMIT:
        return said.model_copy(update={"at": mail.sent_at if mail else None})
    return said.model_copy(update={"at": mail.sent_at if mail else line.updated_at})


def marks_view(mark: EventMark | None) -> Marks:
    """A reader's marks as values; the empty ones where there are none."""
    if mark is None:
        return Marks()
    return Marks(read_at=mark.read_at, starred_at=mark.starred_at, note=mark.note, updated_at=mark.updated_at)


def is_new(event: Event, mark: EventMark | None, reader: FeedReader) -> bool:
    """Whether the reader has not read it and it is recent enough to count."""
    return (mark is None or mark.read_at is None) and event.happened_at >= reader.now - NEW_FOR


def _mail(mail: Delivery | None) -> str:
    if mail is None or mail.kind not in (DeliveryKind.EVENT, DeliveryKind.DIGEST):
        return ""
    return letter_kind(mail)


def _insight(insight: Insight | None) -> dict[str, str]:
    if insight is None:
        return {}
    return {
        "meaning": insight.meaning,
        "next_step": insight.actions[0] if insight.actions else "",
        "advised_by": judged_by(insight.engine),
    }


def _by_story(siblings: Iterable[Sibling]) -> dict[UUID, list[Sibling]]:
    found: dict[UUID, list[Sibling]] = {}
    for one in siblings:
        found.setdefault(one.story_id, []).append(one)
    return found
