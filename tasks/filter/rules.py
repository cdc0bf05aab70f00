"""Whether an event reaches a person: a pure function with one answer and one reason.

The checks run in a fixed order and the first that objects gives the reason, so that "why didn't I get X?"
always has the same answer:

1. the person: deactivated, not assigned, notifications off, e-mail off, address suppressed;
2. the event for that person: withdrawn (not about the client after all), client muted, language unsupported (its
   category and score claim nothing, so it stays in the app), category not wanted, category muted for this client,
   relevance below the threshold;
3. time: history that is too old even for a first digest, news that is no longer fresh;
4. the mail it would go into: one that the person unsubscribed from.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from models.accounts import Frequency
from models.mail import DeliveryKind, Route, SkipReason

HISTORY_DAYS = 30
HISTORY_PER_CLIENT = 2

_NO_WAIT = timedelta(0)

KIND_WORDS = {
    DeliveryKind.EVENT: "instant mail",
    DeliveryKind.DIGEST: "digests",
    DeliveryKind.ALERT: "alerts",
    DeliveryKind.SYSTEM: "service messages",
}
"""Kinds of mail, as a person is told what they unsubscribed from."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What the rules need of an event."""

    event_id: UUID
    client_id: UUID
    category: str
    relevance: float
    happened_at: datetime
    """When it was published; when first seen, where the publisher gave no date."""
    is_history: bool = False
    """Found by the first poll of its client: from before the client was watched."""
    language: str = "en"
    language_supported: bool = True
    withdrawn: bool = False
    """Nothing counts as being about the client any more."""


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the rules need of a person, for one client."""

    user_id: UUID
    active: bool = True
    assigned: bool = True
    assigned_clients_only: bool = True
    notifications_on: bool = True
    email_on: bool = True
    suppressed: bool = False
    """No mail of any kind may go to the person's address."""
    unsubscribed: frozenset[str] = frozenset()
    """Kinds of mail (values of DeliveryKind) that may not go there."""
    client_muted: bool = False
    categories: frozenset[str] | None = None
    """None: every category."""
    muted_categories: frozenset[str] = frozenset()
    """Kinds of event that the person called not relevant at this client."""
    threshold: float = 0.5
    client_threshold: float | None = None
    """The person's exception for this client; it wins over ``threshold``."""
    frequency: Frequency = Frequency.DAILY
    away: bool = False
    """Within an absence the person entered."""
    stands_in_for: str = ""
    """Whose clients this one is, where the person only covers for an absent colleague."""

    @property
    def bar(self) -> float:
        """The relevance an event of this client must reach."""
        return self.threshold if self.client_threshold is None else self.client_threshold


@dataclass(frozen=True, slots=True)
class Verdict:
    """Exactly one of ``route`` and ``reason``, and the sentence that says why, as the person is told it."""

    route: Route | None
    reason: SkipReason | None
    sentence: str
    is_history: bool = False

    def __post_init__(self) -> None:
        if (self.route is None) == (self.reason is None):
            raise ValueError("a verdict is a route or a reason, never both or neither")


WITHDRAWN = Verdict(None, SkipReason.WRONG_COMPANY, "it is not about this client after all")


def person_objection(person: PersonFacts, kind: DeliveryKind | None = None) -> Verdict | None:
    """What keeps any mail from this person (with ``kind``: any of that kind), whatever the event; None when nothing."""
    if not person.active:
        return _skip(SkipReason.DEACTIVATED, "your account is deactivated")
    if person.assigned_clients_only and not person.assigned:
        return _skip(
            SkipReason.NOT_ASSIGNED, "you are not assigned to this client and follow assigned clients only"
        )
    # Who wants no news by mail still has to be able to set a new password.
    is_service = kind is DeliveryKind.SYSTEM
    if not person.notifications_on and not is_service:
        return _skip(SkipReason.NOTIFICATIONS_OFF, "you have switched notifications off")
    if not person.email_on and not is_service:
        return _skip(SkipReason.EMAIL_OFF, "you have switched e-mail off")
    if person.suppressed:
        return _skip(SkipReason.SUPPRESSED, "your address is suppressed: it bounced, complained or opted out")
    if kind is not None and kind.value in person.unsubscribed:
        return _skip(SkipReason.SUPPRESSED, f"you unsubscribed from {KIND_WORDS[kind]}")
    return None


def event_objection(event: EventFacts, person: PersonFacts) -> Verdict | None:
    """What keeps this event from this person at any time; None when nothing does."""
    if event.withdrawn:
        return WITHDRAWN
    if person.client_muted:
        return _skip(SkipReason.CLIENT_MUTED, "you have muted this client")
    if not event.language_supported:
        return _skip(
            SkipReason.LANGUAGE_UNSUPPORTED,
            f"its language ({event.language}) is not supported: it is in the app, unscored, and not mailed",
        )
    if person.categories is not None and event.category not in person.categories:
        return _skip(
            SkipReason.CATEGORY_NOT_WANTED, f"{_words(event.category)} is not among the categories you chose"
        )
    if event.category in person.muted_categories:
        said = f"you said that {_words(event.category)} news of this client is not relevant to you"
        return _skip(SkipReason.CATEGORY_MUTED, said)
    if event.relevance < person.bar:
        whose = "your threshold" if person.client_threshold is None else "your threshold for this client"
        return _skip(SkipReason.BELOW_THRESHOLD, _below(event.relevance, whose, person.bar))
    return None


def decide(
    event: EventFacts,
    person: PersonFacts,
    *,
    as_of: datetime,
    freshness_days: float,
    waited: timedelta = _NO_WAIT,
) -> Verdict:
    """The route by which ``event`` reaches ``person`` at ``as_of``, or the one reason why it does not.

    ``waited`` is how long the person's own mail schedule may have kept an item: what was fresh when it was
    decided does not turn stale by waiting for the window its reader asked for. History passes to the digest as a
    candidate; the caller keeps the best ``HISTORY_PER_CLIENT`` a client and person.
    """
    objection = person_objection(person) or event_objection(event, person)
    if objection is not None:
        return objection
    age = as_of - event.happened_at
    if event.is_history:
        if age > timedelta(days=HISTORY_DAYS) + waited:
            return _skip(
                SkipReason.HISTORY,
                f"history: {_days(age)} old when the client was first watched, over {HISTORY_DAYS} days",
            )
        sentence = "history: from before the client was watched, among the best of its last 30 days"
        return _by_mail(person, Route.DIGEST, sentence, is_history=True)
    if age > timedelta(days=freshness_days) + waited:
        return _skip(
            SkipReason.STALE, f"it is {_days(age)} old: news older than {freshness_days:g} days waits no more"
        )
    sentence = f"relevance {event.relevance:.2f} reaches your threshold of {person.bar:.2f}"
    if person.stands_in_for:
        sentence += f"; you stand in for {person.stands_in_for}"
    if person.away:
        said = f"{sentence}; you are away, and it waits for one digest on your return"
        return _by_mail(person, Route.DIGEST, said)
    if person.frequency is Frequency.INSTANT:
        return _by_mail(person, Route.INSTANT, f"{sentence}; you asked for instant mail")
    return _by_mail(person, Route.DIGEST, f"{sentence}; it goes into your {person.frequency.value} digest")


def _by_mail(person: PersonFacts, route: Route, sentence: str, *, is_history: bool = False) -> Verdict:
    """That route, unless the person unsubscribed from the mail it means."""
    kind = DeliveryKind.EVENT if route is Route.INSTANT else DeliveryKind.DIGEST
    return person_objection(person, kind) or Verdict(route, None, sentence, is_history=is_history)


def reach(event: EventFacts, person: PersonFacts, *, as_of: datetime, freshness_days: float) -> Verdict:
    """How a new event reaches a person: as ``decide`` says, or in the app for who switched e-mail off."""
    verdict = decide(event, person, as_of=as_of, freshness_days=freshness_days)
    if verdict.reason is not SkipReason.EMAIL_OFF:
        return verdict
    mailed = decide(
        event,
        replace(person, email_on=True, suppressed=False, unsubscribed=frozenset()),
        as_of=as_of,
        freshness_days=freshness_days,
    )
    if mailed.route is None:
        return mailed
    said = f"{mailed.sentence.partition(';')[0]}; you have switched e-mail off, so it is in the app"
    return Verdict(Route.IN_APP, None, said, is_history=mailed.is_history)


def _skip(reason: SkipReason, sentence: str) -> Verdict:
    return Verdict(None, reason, sentence)


def _below(relevance: float, whose: str, bar: float) -> str:
    # Two digits, unless they would say that a number is below itself.
    digits = 2 if f"{relevance:.2f}" != f"{bar:.2f}" else 4
    return f"relevance {relevance:.{digits}f} is below {whose} of {bar:.{digits}f}"


def _words(category: str) -> str:
    return category.replace("_", " ")


def _days(age: timedelta) -> str:
    days = age / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{days:.1f} days"
