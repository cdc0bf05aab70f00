"""What settings would have brought: the last week once more, by the rules that really decide, with nothing saved.

The ledger is neither read nor written: what was mailed in truth does not count.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from models.accounts import ClientPreference, Frequency, User, UserPreference
from models.base import utc_now
from models.engine import reading
from models.feed import watched_names
from models.mail import SkipReason
from models.scope import Scope
from models.settings import get_settings
from services.mail_html import Inline, harmless
from services.muting import Exceptional
from services.next_digest import next_digest
from services.preferences import changed_preferences, person_of, preferences_of_person, put_on
from services.preview.arrivals import arrivals
from services.preview.replay import Replay, WouldBeMail, replay
from services.preview.writing import letter_for
from tasks.filter.absence import absence_of
from tasks.filter.facts import People, load_people
from tasks.notify.letter import Letter
from tasks.notify.look import business_and_look
from tasks.notify.planning import Reader
from tasks.notify.render import render
from tasks.notify.selection import entries
from tasks.notify.windows import zone_of

WEEK = timedelta(days=7)
_DAILY_BEFORE = timedelta(days=2)
_UTC = ZoneInfo("UTC")
_EXAMPLES = 3


class PreviewMail(BaseModel):
    """A mail that the settings would have brought."""

    model_config = ConfigDict(frozen=True)

    kind: str
    """instant, daily or weekly."""
    at: datetime
    titles: tuple[str, ...]
    """Its stories, most relevant first."""
    left_in_app: int
    """Stories that its limits leave out."""


class ClientShare(BaseModel):
    """What would have come of one client."""

    model_config = ConfigDict(frozen=True)

    client_id: UUID
    client: str
    mailed: int
    left_out: int


class LeftOutFor(BaseModel):
    """What would not have been mailed, for one reason."""

    model_config = ConfigDict(frozen=True)

    reason: SkipReason
    items: int
    examples: tuple[str, ...]
    """Headlines, most relevant first."""


class Preview(BaseModel):
    """The last seven days by these settings."""

    model_config = ConfigDict(frozen=True)

    since: datetime
    until: datetime
    mails: tuple[PreviewMail, ...]
    """Oldest first."""
    stories: int
    """In these mails."""
    in_app: int
    """Brought in the app alone: e-mail is off."""
    waiting: int
    """For the next mail."""
    next_digest: datetime | None
    clients: tuple[ClientShare, ...]
    """Those with any news, the one with most of it first."""
    left_out: tuple[LeftOutFor, ...]
    """The most frequent reason first."""
    subject: str = ""
    """Of the newest digest, or the newest mail where there was none; empty without any."""
    html: str = ""
    """That mail's page: loads nothing, leads nowhere."""
    mail_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest mail that settings would have brought, as a letter; None where there was none."""

    preview: Preview
    letter: Letter | None


def preview(
    scope: Scope,
    user_id: UUID,
    changes: Mapping[str, object] | None = None,
    *,
    exceptions: Mapping[UUID, Exceptional] | None = None,
    now: datetime | None = None,
) -> Preview:
    """What the last seven days would have brought the person with these fields changed, ``exceptions`` by client too.

    Their own, or an admin's look; nothing is stored. UserError names the field that is wrong.
    """
    return sample(scope, user_id, changes, exceptions=exceptions, now=now).preview


def sample(
    scope: Scope,
    user_id: UUID,
    changes: Mapping[str, object] | None = None,
    *,
    exceptions: Mapping[UUID, Exceptional] | None = None,
    now: datetime | None = None,
) -> Sample:
    """``preview``, with the mail it shows as a letter."""
    at = now or utc_now()
    wants = changed_preferences(preferences_of_person(scope, user_id), changes or {})
    with reading(scope) as session:
        person_of(scope, session, user_id)
        stored = load_people(scope, session, [user_id])
        user = User(**stored.users[user_id].model_dump())
        preference = UserPreference(**stored.preferences[user_id].model_dump())
        put_on(user, preference, wants, type(wants).model_fields)
        people = _with(stored, user, preference, exceptions or {})
        business, look = business_and_look(scope, session)
        names = watched_names(scope, session)
        reader = Reader(user, preference, zone_of(user.timezone) or _UTC, people.absences.get(user_id))
        start = at - WEEK
        # The first digest within the week carries what came before it.
        begin = start - (WEEK if preference.notification_frequency is Frequency.WEEKLY else _DAILY_BEFORE)
        came = arrivals(
            scope,
            session,
            user_id,
            _clients(people, user_id, names),
            since=begin,
            now=at,
            as_published=business.is_demo,
        )
        found = replay(
            people,
            user_id,
            came,
            start=begin,
            now=at,
            freshness_days=get_settings().freshness_days,
            mailing_mock=business.is_demo,
        )
        chosen = _shown(found, start)
        letter = letter_for(scope, session, business, look, people, user, chosen) if chosen else None
    told = _told(found, names, start, at, next_digest(reader, at))
    if letter is None or chosen is None:
        return Sample(told, None)
    rendered = render(letter)
    images = {look.logo.content_id: Inline(look.logo.media_type, look.logo.data)} if look.logo else {}
    page = harmless(rendered.html, images, str)
    return Sample(
        told.model_copy(update={"subject": rendered.subject, "html": page, "mail_at": chosen.at}), letter
    )


def _with(
    stored: People, user: User, preference: UserPreference, exceptions: Mapping[UUID, Exceptional]
) -> People:
    absence = absence_of(user)
    absences = {user_id: one for user_id, one in stored.absences.items() if user_id != user.id}
    if absence is not None:
        absences[user.id] = absence
    rows = dict(stored.exceptions)
    for client_id, wanted in exceptions.items():
        rows[(user.id, client_id)] = ClientPreference(
            business_id=user.business_id,
            user_id=user.id,
            client_id=client_id,
            muted=wanted.muted,
            relevance_threshold=wanted.threshold,
        )
    return replace(
        stored,
        users={user.id: user},
        preferences={user.id: preference},
        absences=absences,
        exceptions=rows,
    )


def _clients(people: People, user_id: UUID, watched: Mapping[UUID, str]) -> list[UUID]:
    """Whose news may be weighed for the person: everybody's, or their own and those they may have stood in for."""
    if not people.preferences[user_id].assigned_clients_only:
        return list(watched)
    return [client_id for client_id in watched if client_id in people.assigned]


def _shown(found: Replay, start: datetime) -> WouldBeMail | None:
    mails = [mail for mail in found.mails if mail.at > start]
    digests = [mail for mail in mails if mail.kind != "instant"]
    return next(reversed(digests or mails), None)


def _told(
    found: Replay, names: Mapping[UUID, str], start: datetime, now: datetime, due: datetime | None
) -> Preview:
    mails = [mail for mail in found.mails if mail.at > start]
    left_out = [one for one in found.left_out if one.at > start]
    mailed = Counter(
        client
        for mail in mails
        for entry in mail.shown
        for client in {line.client_id for line in entry.lines}
    )
    kept_back = Counter(one.line.client_id for one in left_out)
    shares = [
        ClientShare(
            client_id=client_id,
            client=names.get(client_id, ""),
            mailed=mailed[client_id],
            left_out=kept_back[client_id],
        )
        for client_id in {*mailed, *kept_back}
    ]
    shares.sort(key=lambda one: (-one.mailed, -one.left_out, one.client))
    by_reason: dict[SkipReason, list[str]] = {}
    for one in sorted(left_out, key=lambda one: -one.line.event.relevance):
        assert one.verdict.reason is not None
        by_reason.setdefault(one.verdict.reason, []).append(one.line.title)
    return Preview(
        since=start,
        until=now,
        mails=tuple(_mail(mail) for mail in mails),
        stories=sum(len(mail.shown) for mail in mails),
        in_app=len(entries([line for at, line in found.in_app if at > start])),
        waiting=len(entries(found.waiting)),
        next_digest=due,
        clients=tuple(shares),
        left_out=tuple(
            LeftOutFor(reason=reason, items=len(titles), examples=tuple(titles[:_EXAMPLES]))
            for reason, titles in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
        ),
    )


def _mail(mail: WouldBeMail) -> PreviewMail:
    return PreviewMail(
        kind=mail.kind,
        at=mail.at,
        titles=tuple(entry.lead.title for entry in mail.shown),
        left_in_app=len(mail.over),
    )
