"""What a mail is called in the list of 300 others: the subject, and the line a phone shows beneath it."""

import re
from collections.abc import Iterable
from datetime import timedelta

from tasks.notify.letter import Item, Letter
from tasks.notify.safe import clean, clip
from tasks.notify.wording import local, plural, short_date, zone_of

MAX_SUBJECT = 110
MAX_PREHEADER = 140
MAX_PREFIX = 24
MAX_FORM = 80
PLACES = ("headline", "date", "business", "stories", "clients")
"""What a tenant's own form of the subject may name in braces."""
_PLACE = re.compile(r"\{(\w+)\}")
_SHORTEST = 20
"""Characters a headline keeps, whatever stands around it."""
_NAMES = 52
"""Characters for client names in a digest's subject: with the count before and the date after, what a
desktop list shows."""


def clients_of(letter: Letter) -> list[str]:
    """The reader's clients in this mail, in its order: the sections', then those stories also concern."""
    also = [name for section in letter.sections for item in section.items for name in item.also_concerns]
    names = (clean(name, 80) for name in [*(section.client for section in letter.sections), *also])
    return list(dict.fromkeys(name for name in names if name))


def heading(letter: Letter) -> str:
    """The page's title: a count for digests, what it is about for alerts; "" for an instant mail, whose
    news is title enough."""
    names = clients_of(letter)
    if letter.kind in {"alert", "system"}:
        return clean(letter.heading, 160) or "A message from Client Monitor"
    if not names:
        return clean(letter.heading, 160) or "No news of your clients"
    if letter.kind == "instant":
        return ""
    if all(item.is_history for item in _items(letter)):
        return f"Background on {plural(len(names), 'client')}"
    return f"{plural(len(names), 'client')} in the news"


def subject(letter: Letter) -> str:
    """One line of at most `MAX_SUBJECT` characters that says what matters first, after the tenant's prefix; of digests
    and instant mails in the tenant's own form, where it has one."""
    prefix = clean(letter.look.subject_prefix, MAX_PREFIX)
    return clip(f"{prefix} {_subject(letter)}" if prefix else _subject(letter), MAX_SUBJECT)


def _subject(letter: Letter) -> str:
    if letter.kind in {"alert", "system"}:
        return clip(heading(letter), MAX_SUBJECT)
    items = list(_items(letter))
    sample = "[Sample] " if items and all(item.is_mock for item in items) else ""
    headline = _story(letter, items) if letter.kind == "instant" and items else _digest(letter, items)
    # The date comes last and is never cut: a list of 300 mails is told apart by it.
    form = clean(letter.look.subject, MAX_FORM) or (
        "{headline}" if letter.kind == "instant" and items else "{headline} · {date}"
    )
    known = {
        "date": _date(letter),
        "business": clean(letter.business, 40),
        "stories": plural(len(items), "story", "stories"),
        "clients": plural(len(clients_of(letter)), "client"),
    }
    around = _PLACE.sub(lambda place: known.get(place[1], ""), form.replace("{headline}", ""))
    known["headline"] = clip(sample + headline, max(MAX_SUBJECT - len(around), len(sample) + _SHORTEST))
    said = _PLACE.sub(lambda place: known.get(place[1], ""), form)
    return clip(said if "{headline}" in form else sample + said, MAX_SUBJECT)


def _date(letter: Letter) -> str:
    zone, _ = zone_of(letter.timezone)
    day = local(letter.at, zone) or letter.at
    if letter.kind == "weekly":
        # The mail goes out on the morning after the week it tells of.
        return f"week to {short_date(local(letter.at - timedelta(days=1), zone) or day)}"
    return short_date(day)


def preheader(letter: Letter) -> str:
    """What a phone shows under the subject: the first stories, or the first paragraph."""
    if letter.kind in {"alert", "system"}:
        return clean(" ".join(letter.body), MAX_PREHEADER)
    items = list(_items(letter))
    if letter.kind == "instant" and items:
        return clean(items[0].what_changed or items[0].summary or items[0].reason, MAX_PREHEADER)
    return clip(" · ".join(clean(item.title, 90) for item in items[:3]), MAX_PREHEADER)


def _items(letter: Letter) -> Iterable[Item]:
    return (item for section in letter.sections for item in section.items)


def _story(letter: Letter, items: list[Item]) -> str:
    """ "Nordwind Energy: chief executive steps down, and 2 more"."""
    client = next((clean(section.client, 60) for section in letter.sections if section.items), "")
    title = clean(items[0].title, 200) or "news"
    if not title.casefold().startswith(client.casefold()):
        title = f"{client}: {title}"
    if items[0].what_changed:
        title = f"Update · {title}"
    more = f", and {len(items) - 1} more" if len(items) > 1 else ""
    return clip(title, MAX_SUBJECT - len(more) - len("[Sample] ")) + more


def _digest(letter: Letter, items: list[Item]) -> str:
    """ "3 clients in the news: Nordwind Energy, Alba Foods, +1"."""
    names = clients_of(letter)
    title = heading(letter)
    if not names:
        return title
    if len(names) == 1 and len(items) == 1 and not items[0].is_history:
        return _story(letter, items)
    shown = [clip(names[0], _NAMES)]
    for name in names[1:3]:
        if len(", ".join([*shown, name])) > _NAMES:
            break
        shown.append(name)
    if len(names) > len(shown):
        shown.append(f"+{len(names) - len(shown)}")
    return f"{title}: {', '.join(shown)}"
