"""What a mail's page and text say: a letter with every string cleaned, every address judged and every number in words.

The templates put it between tags and escape it; they decide nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from tasks.notify.letter import ClientSection, Item, Kind, Letter
from tasks.notify.logo import Logo
from tasks.notify.safe import clean, safe_url
from tasks.notify.subject import heading, preheader, subject
from tasks.notify.wording import (
    category_words,
    change_words,
    join_words,
    local,
    long_date,
    outlets_line,
    plural,
    when,
    zone_of,
)

# Blank characters after the preheader keep mail programs from filling their preview with the page's top.
_PADDING = "\u034f\u200c\u00a0" * 40
_EDITIONS: dict[Kind, str] = {
    "instant": "News alert",
    "daily": "Daily digest",
    "weekly": "Weekly digest",
    "alert": "Alert",
    "system": "Service message",
}


@dataclass(frozen=True, slots=True)
class ItemView:
    title: str
    href: str | None
    link_note: str
    category: str
    outlets: str
    when: str
    update: str
    summary: str
    step_title: str
    action: str
    why_title: str
    reason: str
    crm: str
    also: str
    high_risk: bool
    is_late: bool
    is_history: bool
    is_mock: bool
    bullet: str
    """The plain text's "1. "; its ``lines`` stand under the title."""
    lines: tuple[str, ...]
    say: tuple[tuple[str, str], ...]
    """What the reader can say about it: words and address."""


@dataclass(frozen=True, slots=True)
class SectionView:
    client: str
    crm: str
    items: tuple[ItemView, ...]
    more: str


@dataclass(frozen=True, slots=True)
class ShortView:
    """A story in a line."""

    client: str
    item: ItemView


@dataclass(frozen=True, slots=True)
class TrendView:
    client: str
    this_week: str
    last_week: str
    change: str
    line: str


@dataclass(frozen=True, slots=True)
class Page:
    subject: str
    preheader: str
    padding: str
    business: str
    logo: Logo | None
    edition: str
    heading: str
    dateline: str
    intro: str
    body: tuple[str, ...]
    silence: str
    trend: tuple[TrendView, ...]
    sections: tuple[SectionView, ...]
    short: tuple[ShortView, ...]
    """Stories there is no more room for, in a line each."""
    short_more: str
    degraded_title: str
    degraded: tuple[str, ...]
    more: str
    app_label: str
    app_href: str | None
    because: str
    preferences_href: str | None
    unsubscribe_href: str | None
    pixel_href: str | None
    footer: str
    says: tuple[tuple[str, str, str], ...]
    """For the plain text: an item's number, what can be said about it, and where."""
    recipient: str
    signature: str


def page_of(letter: Letter, share: int) -> Page:
    zone, zone_words = zone_of(letter.timezone)
    business = clean(letter.business, 80) or "Client Monitor"
    recipient = clean(letter.recipient_email, 254)
    sections = _sections(letter, zone, share)
    degraded = tuple(line for line in (clean(text, 200) for text in letter.degraded[:10]) if line)
    if len(letter.degraded) > 10:
        degraded = (*degraded, f"and {len(letter.degraded) - 10} more, listed in the app")
    return Page(
        subject=subject(letter),
        preheader=preheader(letter),
        padding=_PADDING,
        business=business,
        logo=letter.look.logo,
        edition=_EDITIONS[letter.kind],
        heading=heading(letter),
        dateline=_dateline(letter, zone, zone_words, len(degraded)),
        intro=clean(letter.look.intro, 300 // share),
        silence=clean(letter.silence, 300),
        body=tuple(line for line in (clean(text, 1500 // share) for text in letter.body) if line),
        trend=tuple(
            TrendView(
                client=(name := clean(row.client, 80) or "Unnamed client"),
                this_week=str(row.this_week),
                last_week=str(row.last_week),
                change=(change := change_words(row.this_week, row.last_week)),
                line=f"{name}: {row.this_week} this week, {row.last_week} the week before ({change})",
            )
            for row in letter.trend
        ),
        sections=sections,
        short=(),
        short_more="",
        degraded_title="Not everything could be read. Something may be missing about:",
        degraded=degraded,
        more=f"{plural(letter.more, 'more story waits', 'more stories wait')} in the app."
        if letter.more > 0
        else "",
        app_label=clean(letter.action[0], 60) if letter.action else "Open Client Monitor",
        app_href=safe_url(letter.action[1] if letter.action else letter.app_url),
        because=_because(letter.kind, business),
        preferences_href=safe_url(letter.preferences_url),
        unsubscribe_href=safe_url(letter.unsubscribe_url),
        pixel_href=safe_url(letter.pixel_url),
        footer=clean(letter.look.footer, 300),
        says=tuple(
            (item.bullet.strip(), words, href)
            for section in sections
            for item in section.items
            for words, href in item.say
        ),
        recipient=recipient,
        signature=f"Sent by {business} with Client Monitor to {recipient}.",
    )


def _dateline(letter: Letter, zone: tzinfo, zone_words: str, degraded: int) -> str:
    """ "Tuesday 10 March 2026 · 5 stories · Helsinki time"."""
    day = local(letter.at, zone) or letter.at
    stories = sum(len(section.items) for section in letter.sections)
    parts = [long_date(day)]
    if letter.kind in {"instant", "alert", "system"}:
        parts[0] += f", {day:%H:%M}"
    elif stories:
        parts.append(plural(stories, "story", "stories"))
    parts.append(zone_words)
    if degraded and letter.kind not in {"alert", "system"}:
        parts.append("not everything could be read, see below")
    return " · ".join(parts)


def _because(kind: Kind, business: str) -> str:
    chosen = {
        "instant": "asked to hear at once",
        "daily": "chose a daily digest",
        "weekly": "chose a weekly digest",
    }
    if kind in chosen:
        return f"You get this because you look after these clients at {business} and {chosen[kind]}."
    if kind == "alert":
        return f"You get this because you look after Client Monitor at {business}."
    return f"You get this because you have an account at {business}."


def _sections(letter: Letter, zone: tzinfo, share: int) -> tuple[SectionView, ...]:
    views = []
    number = 0
    for section in letter.sections:
        items = []
        for item in section.items:
            number += 1
            items.append(_item(item, section, number=number, zone=zone, now=letter.at, share=share))
        more = f"{plural(section.more, 'more story', 'more stories')} about this client in the app."
        views.append(
            SectionView(
                client=clean(section.client, 120 // share) or "Unnamed client",
                crm=clean(section.crm_line, 200 // share),
                items=tuple(items),
                more=more if section.more > 0 else "",
            )
        )
    return tuple(views)


def _item(
    item: Item, section: ClientSection, *, number: int, zone: tzinfo, now: datetime, share: int
) -> ItemView:
    href = safe_url(item.url)
    if href and item.read_url:
        href = safe_url(item.read_url)
    update = clean(item.what_changed, 240 // share)
    if update and not update.casefold().startswith("update"):
        update = f"Update: {update}"
    title = clean(item.title, 240 // share) or "Untitled"
    summary = clean(item.summary, 420 // share)
    if summary.casefold().startswith(title.casefold()) and len(summary) < len(title) + 40:
        summary = ""  # feeds like to say the headline again, with the outlet behind it
    action = clean(item.action, 240 // share)
    reason = clean(item.reason, 280 // share)
    crm = clean(item.crm_line, 200 // share) if item.crm_line != section.crm_line else ""
    names = [name for name in (clean(text, 80 // share) for text in item.also_concerns) if name]
    shown = names if len(names) <= 6 else [*names[:5], plural(len(names) - 5, "other client")]
    category = category_words(item.category)
    high_risk = item.risk == "high"
    outlets = outlets_line(item.source, item.outlets)
    published = when(item.published_at, zone, now)
    marks = (
        (high_risk, "High risk"),
        (item.is_late, "Delayed, not new today"),
        (item.is_history, "From before we started watching"),
        (item.is_mock, "Sample news, invented"),
    )
    note = "link left out, its address is not safe" if item.url and not href else ""
    step_title = _said_by("Next step", item.advised_by, share)
    why_title = _said_by("Why you see this", item.judged_by, share)
    lines = (
        " · ".join((category, *(words for told, words in marks if told))),
        " · ".join(fact for fact in (outlets, published, note) if fact),
        update,
        summary,
        f"{step_title} {action}" if action else "",
        f"{why_title} {reason}" if reason else "",
        crm,
        f"Also concerns {join_words(shown)}" if shown else "",
    )
    return ItemView(
        title=title,
        href=href,
        link_note=note,
        category=category,
        outlets=outlets,
        when=published,
        update=update,
        summary=summary,
        step_title=step_title,
        action=action,
        why_title=why_title,
        reason=reason,
        crm=crm,
        also=join_words(shown),
        high_risk=high_risk,
        is_late=item.is_late,
        is_history=item.is_history,
        is_mock=item.is_mock,
        bullet=f"{number}. ".ljust(3),
        lines=tuple(line for line in lines if line),
        say=_say(item, section, share),
    )


def _said_by(words: str, who: str, share: int) -> str:
    """ "Why you see this (by AI, openai):": who reads what a machine judged is told so."""
    name = clean(who, 60 // share)
    return f"{words} (by {name}):" if name else f"{words}:"


def _say(item: Item, section: ClientSection, share: int) -> tuple[tuple[str, str], ...]:
    """Words and addresses of what the reader can say about an item; those that may be no links are left out."""
    if item.links is None:
        return ()
    pairs = (
        ("Useful", item.links.useful),
        ("Not relevant", item.links.not_relevant),
        ("Wrong company", item.links.wrong_company),
        (f"Mute {clean(section.client, 40 // share) or 'this client'}", item.links.mute),
    )
    return tuple((words, href) for words, url in pairs if (href := safe_url(url)))


def in_short(page: Page, full: int, lines: int) -> Page:
    """The page with its first ``full`` stories as they are, and at most ``lines`` of the others in a line each."""
    sections: list[SectionView] = []
    short: list[ShortView] = []
    for section in page.sections:
        kept = section.items[: max(0, full - sum(len(one.items) for one in sections))]
        short += [ShortView(section.client, item) for item in section.items[len(kept) :]]
        if kept:
            sections.append(replace(section, items=kept))
    left = len(short) - lines
    return replace(
        page,
        sections=tuple(sections),
        short=tuple(short[:lines]),
        short_more=f"{plural(left, 'more story', 'more stories')} in this mail's plain text, and in the app."
        if left > 0
        else "",
    )
