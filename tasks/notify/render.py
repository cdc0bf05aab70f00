"""Writes a mail: from a letter to its subject, its page and its plain text. No clock, no network.

Every string of the letter passes `clean` and every address `safe_url` before a template sees it; the page's
templates escape what is left. CSS is inlined in the templates' source when they are first loaded, so one
mail costs one Jinja rendering.
"""

import re
import textwrap
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, select_autoescape
from pydantic import BaseModel, ConfigDict

from tasks.notify.colour import lighter
from tasks.notify.inline import InliningLoader
from tasks.notify.letter import ACCENT, ClientSection, Item, Kind, Letter
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

_TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 74
_ACCENT_IN_DARK = "#8fc3f7"
MAX_HTML = 100_000
"""Bytes: Gmail cuts a page at 102 kB, footer and all. One that is longer is written again with every text
limited to half, then a quarter; ten items always fit then."""
# Blank characters after the preheader keep mail programs from filling their preview with the page's top.
_PADDING = "\u034f\u200c\u00a0" * 40
_EDITIONS: dict[Kind, str] = {
    "instant": "News alert",
    "daily": "Daily digest",
    "weekly": "Weekly digest",
    "alert": "Alert",
    "system": "Service message",
}


class Rendered(BaseModel):
    """A mail's words, ready for `build_mime`. ``subject`` and ``preheader`` are single plain lines."""

    model_config = ConfigDict(frozen=True)

    subject: str
    preheader: str
    html: str
    text: str
    logo: Logo | None = None
    """The picture the page calls by its content id."""


@dataclass(frozen=True, slots=True)
class _ItemView:
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
class _SectionView:
    client: str
    crm: str
    items: tuple[_ItemView, ...]
    more: str


@dataclass(frozen=True, slots=True)
class _TrendView:
    client: str
    this_week: str
    last_week: str
    change: str
    line: str


@dataclass(frozen=True, slots=True)
class _Page:
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
    trend: tuple[_TrendView, ...]
    sections: tuple[_SectionView, ...]
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


def render(letter: Letter) -> Rendered:
    """The mail's words. The same letter gives the same result, character for character."""
    name = "notice.html" if letter.kind in {"alert", "system"} else "digest.html"
    template = _template(name, letter.look.accent)
    for share in (1, 2, 4):
        page = _page(letter, share)
        html = _tidy_html(template.render(page=page))
        if len(html.encode()) <= MAX_HTML:
            break
    return Rendered(
        subject=page.subject,
        preheader=page.preheader,
        html=html,
        text=_tidy_text(_template("mail.txt", ACCENT).render(page=page)),
        logo=page.logo,
    )


def _page(letter: Letter, share: int) -> _Page:
    zone, zone_words = zone_of(letter.timezone)
    business = clean(letter.business, 80) or "Client Monitor"
    recipient = clean(letter.recipient_email, 254)
    sections = _sections(letter, zone, share)
    degraded = tuple(line for line in (clean(text, 200) for text in letter.degraded[:10]) if line)
    if len(letter.degraded) > 10:
        degraded = (*degraded, f"and {len(letter.degraded) - 10} more, listed in the app")
    return _Page(
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
            _TrendView(
                client=(name := clean(row.client, 80) or "Unnamed client"),
                this_week=str(row.this_week),
                last_week=str(row.last_week),
                change=(change := change_words(row.this_week, row.last_week)),
                line=f"{name}: {row.this_week} this week, {row.last_week} the week before ({change})",
            )
            for row in letter.trend
        ),
        sections=sections,
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


def _sections(letter: Letter, zone: tzinfo, share: int) -> tuple[_SectionView, ...]:
    views = []
    number = 0
    for section in letter.sections:
        items = []
        for item in section.items:
            number += 1
            items.append(_item(item, section, number=number, zone=zone, now=letter.at, share=share))
        more = f"{plural(section.more, 'more story', 'more stories')} about this client in the app."
        views.append(
            _SectionView(
                client=clean(section.client, 120 // share) or "Unnamed client",
                crm=clean(section.crm_line, 200 // share),
                items=tuple(items),
                more=more if section.more > 0 else "",
            )
        )
    return tuple(views)


def _item(
    item: Item, section: ClientSection, *, number: int, zone: tzinfo, now: datetime, share: int
) -> _ItemView:
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
    return _ItemView(
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


@lru_cache(maxsize=64)
def _environment(accent: str) -> Environment:
    colours = {} if accent == ACCENT else {ACCENT: accent, _ACCENT_IN_DARK: lighter(accent)}
    environment = Environment(
        loader=InliningLoader(_TEMPLATES, "mail.css", colours),
        autoescape=select_autoescape(disabled_extensions=("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["wrap"] = _wrap
    return environment


def _template(name: str, accent: str) -> Template:
    return _environment(accent).get_template(name)


def _wrap(text: str, first: str = "", rest: str = "") -> str:
    """Lines of at most 74 characters, except where one word is longer."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _tidy_html(html: str) -> str:
    """Without the blank lines that template statements leave; every value is one line already."""
    return re.sub(r"\n\s*\n+", "\n", html).strip() + "\n"


def _tidy_text(text: str) -> str:
    # "-- " with its blank is how mail programs know a signature.
    lines = [line if line == "-- " else line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"
