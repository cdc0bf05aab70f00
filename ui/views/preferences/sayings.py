"""What preferences and their effects are called."""

from models.accounts import Frequency
from models.mail import DeliveryKind, SkipReason

FIELDS = {
    "notifications": "news on or off",
    "email": "e-mail on or off",
    "frequency": "how often",
    "threshold": "relevance",
    "categories": "kinds of news",
    "assigned_clients_only": "whose clients",
    "timezone": "time zone",
    "digest_time": "time of the digest",
    "digest_day": "day of the digest",
    "quiet_from": "start of quiet hours",
    "quiet_until": "end of quiet hours",
    "max_items_per_digest": "stories a mail",
    "max_items_per_client": "stories a client",
    "max_instant_per_day": "instant mails a day",
    "absent_from": "first day away",
    "absent_until": "last day away",
    "cover": "who stands in",
}
FREQUENCIES = {
    Frequency.INSTANT: "At once",
    Frequency.DAILY: "Once a day",
    Frequency.WEEKLY: "Once a week",
}
WHEN = {
    Frequency.INSTANT: "Each important item within minutes; what is over the day's limit comes in a daily digest.",
    Frequency.DAILY: "One mail a day with what matters.",
    Frequency.WEEKLY: "One mail a week: the top stories, and the week in numbers.",
}
MAILS = {"instant": "News alert", "daily": "Daily digest", "weekly": "Weekly digest"}
KINDS = {
    DeliveryKind.EVENT: "instant mails",
    DeliveryKind.DIGEST: "digests",
    DeliveryKind.ALERT: "alerts",
    DeliveryKind.SYSTEM: "service messages",
}
REASONS = {
    SkipReason.NOTIFICATIONS_OFF: "News is switched off",
    SkipReason.EMAIL_OFF: "E-mail is switched off",
    SkipReason.BELOW_THRESHOLD: "Below the relevance you chose",
    SkipReason.CATEGORY_NOT_WANTED: "Not a kind of news you chose",
    SkipReason.CATEGORY_MUTED: "You said this kind is not relevant at that client",
    SkipReason.CLIENT_MUTED: "The client is muted",
    SkipReason.STALE: "Too old by then",
    SkipReason.HISTORY: "From before the client was watched",
    SkipReason.SUPPRESSED: "Mail to your address is stopped",
    SkipReason.LANGUAGE_UNSUPPORTED: "In a language we do not read: it is in the app",
    SkipReason.OVER_LIMIT: "Over your limits: it is in the app",
    SkipReason.INVENTED: "Invented news is never mailed",
}
_THRESHOLDS = (
    (0.2, "Nearly everything that names your clients"),
    (0.45, "Most news, some of it chatter"),
    (0.6, "What usually matters: a good start"),
    (0.75, "Important news only"),
    (0.9, "Only what needs you soon"),
)
_AT_LEAST = "Almost nothing: the very biggest news"


def threshold_words(value: float) -> str:
    """What a threshold means for whoever sets it."""
    return next((words for below, words in _THRESHOLDS if value < below), _AT_LEAST)


def field_words(names: list[str] | tuple[str, ...]) -> str:
    """Fields in the middle of a sentence."""
    return ", ".join(FIELDS.get(name, name.replace("_", " ")) for name in names)
