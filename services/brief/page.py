"""A brief as one printed page: standing alone, without scripts, nothing loaded from anywhere."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from services.brief.gather import BAD, GOOD
from services.brief.sheet import Brief, BriefItem, Mood
from services.portfolio.standing import Health, Standing
from tasks.notify.safe import clean
from tasks.notify.wording import category_words, join_words, local, long_date, plural, zone_of

_TEMPLATES = Path(__file__).parent
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SOON = timedelta(days=90)
_CHART_HEIGHT = 30.0
_CLOSE, _TIGHT = 1_900, 2_300
"""Characters of the longer column from which the type is made smaller; see ``_density``."""
_NAMES = 36
"""Letters of two names that fit beside each other."""
_TREND = 0.15
"""A change of the mean tone that is worth a word."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """One of the figures at the head; ``tone`` is good, care, bad or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class _Item:
    title: str
    meta: str
    meaning: str
    category: str
    marks: tuple[str, ...]
    tone: str


@dataclass(frozen=True, slots=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float


def brief_page(brief: Brief) -> str:
    """The whole HTML page: A4 or Letter, one sheet, everything in it escaped."""
    zone, zone_words = zone_of(brief.timezone)
    here = local(brief.at, zone) or brief.at
    since = local(brief.at - timedelta(days=brief.days), zone) or brief.at
    return _template().render(
        brief=brief,
        client=clean(brief.client, 90),
        density=_density(brief),
        lead=_lead(brief),
        facts=_facts(brief, here.date()),
        in_short=_in_short(brief),
        items=[_item(item, brief, zone) for item in brief.items],
        more=_more(brief),
        bars=_bars(brief.weekly),
        chart_words=f"Events a week: {', '.join(map(str, brief.weekly))}, the last one this week",
        mood=_mood_lines(brief.mood),
        crm=_crm_lines(brief.standing, brief.at, zone),
        dateline=f"{long_date(here)}, {here:%H:%M} {zone_words}",
        period=f"{_short(since.date())} to {_short(here.date())}",
        source=_source(brief),
    )


def file_name(brief: Brief) -> str:
    """A name for the page as a file: letters, digits and dashes only."""
    words = re.sub(r"[^a-z0-9]+", "-", brief.client.lower()).strip("-")[:60] or "client"
    return f"brief-{words}-{brief.at:%Y-%m-%d}.html"


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("brief.html")


def _density(brief: Brief) -> str:
    """How close the lines stand, by how much there is to say, so that one sheet holds it."""
    main = sum(110 + len(item.title) + len(item.meaning) for item in brief.items)
    steps = (*brief.opportunities, *brief.cautions)
    side = sum(50 + len(step.text) for step in steps) + sum(60 + len(one.text) for one in brief.questions)
    most = max(main, side * 1.6)
    return "tight" if most > _TIGHT else "close" if most > _CLOSE else ""


def _lead(brief: Brief) -> tuple[str, ...]:
    legal = brief.legal_name if brief.legal_name.casefold() != brief.client.casefold() else ""
    parts = (legal, brief.industry, brief.ticker, brief.domain)
    return tuple(clean(part, 60) for part in parts if part)


def _facts(brief: Brief, today: date) -> tuple[_Fact, ...]:
    standing = brief.standing
    return (
        _health(standing),
        _renewal(standing, today),
        _pipeline(standing),
        _people(brief),
    )


def _health(standing: Standing | None) -> _Fact:
    if standing is None or standing.health is Health.UNKNOWN:
        return _Fact("Health", "–", "the CRM does not say" if standing else "no CRM snapshot")
    tones = {Health.AT_RISK: "bad", Health.WATCH: "care", Health.HEALTHY: "good"}
    words = clean(standing.health_words, 24)
    score = standing.engagement
    note = f"engagement {score * 100:.0f} of 100" if score is not None else ""
    return _Fact("Health", words[:1].upper() + words[1:], note, tones.get(standing.health, ""))


def _renewal(standing: Standing | None, today: date) -> _Fact:
    day = standing.renewal_on if standing is not None else None
    if day is None:
        return _Fact("Renewal", "–", "no date known")
    left = (day - today).days
    if left < 0:
        return _Fact("Renewal", _short(day), f"{plural(-left, 'day')} overdue", "bad")
    note = "today" if left == 0 else f"in {plural(left, 'day')}"
    return _Fact("Renewal", _short(day), note, "care" if timedelta(days=left) <= _SOON else "")


def _pipeline(standing: Standing | None) -> _Fact:
    sums = standing.pipeline if standing is not None else ()
    deals = standing.open_deals if standing is not None else None
    note = plural(deals, "open deal") if deals is not None else ""
    if not sums:
        return _Fact("Open pipeline", "–", note or "none known")
    told = [f"{amount:,.0f} {currency}".strip() for currency, amount in sums]
    return _Fact("Open pipeline", " + ".join(told[:2]) + (" …" if len(told) > 2 else ""), note)


def _people(brief: Brief) -> _Fact:
    names = [clean(name, 28) for name in brief.people]
    owner = clean(brief.standing.owner, 30) if brief.standing is not None else ""
    note = f"CRM owner {owner}" if owner else ""
    if not names:
        return _Fact("Looked after by", "nobody", note, "care")
    shown = names[:2] if sum(map(len, names[:2])) <= _NAMES else names[:1]
    rest = len(names) - len(shown)
    value = f"{', '.join(shown)} and {rest} more" if rest else join_words(shown)
    return _Fact("Looked after by", value, note)


def _in_short(brief: Brief) -> str:
    if not brief.events:
        return f"Nothing was found about {clean(brief.client, 90)} in the last {brief.days} days."
    known = [item for item in brief.items if item.category is not None]
    kinds = list(dict.fromkeys(category_words(item.category).lower() for item in known if item.category))
    about = f", above all {join_words(kinds[:3])}" if kinds else ""
    return f"{plural(brief.events, 'event')} in {brief.days} days{about}."


def _more(brief: Brief) -> str:
    left = brief.events - len(brief.items)
    return f"{plural(left, 'more event')} on the client's page." if left > 0 else ""


def _item(item: BriefItem, brief: Brief, zone: tzinfo) -> _Item:
    at = local(item.happened_at, zone) or item.happened_at
    source = item.source or "source unknown"
    outlets = f" +{item.outlets - 1}" if item.outlets > 1 else ""
    marks = []
    if item.risk == "high":
        marks.append("High risk")
    if item.is_unconfirmed:
        marks.append("Not confirmed")
    if item.is_mock:
        marks.append("Invented")
    return _Item(
        title=item.title,
        meta=f"{_short(at.date(), brief.at)} · {source}{outlets}",
        meaning=item.meaning if item.meaning.casefold() != item.title.casefold() else "",
        category=category_words(item.category) if item.category else "Language not read",
        marks=tuple(marks),
        tone="good" if item.sentiment >= GOOD else "bad" if item.sentiment <= BAD else "",
    )


def _mood_lines(mood: Mood) -> tuple[str, ...]:
    if mood.mean is None:
        return ("No news, no mood: ask.",)
    counts = ((mood.good, "good"), (mood.bad, "bad"), (mood.neutral, "neutral"))
    lines = [f"Of the news, {join_words([f'{count} {word}' for count, word in counts if count])}."]
    if mood.before is not None:
        change = mood.mean - mood.before
        trend = "Brighter" if change > _TREND else "Darker" if change < -_TREND else "Much the same"
        lines.append(f"{trend} {'than' if trend != 'Much the same' else 'as'} in as many days before.")
    if mood.high_risks:
        lines.append(f"High risk: {mood.high_risks[0]}" + _beside(len(mood.high_risks) - 1))
    else:
        lines.append("Nothing of high risk.")
    return tuple(lines)


def _beside(count: int) -> str:
    return f", and {count} more" if count > 0 else ""


def _crm_lines(standing: Standing | None, at: datetime, zone: tzinfo) -> tuple[str, ...]:
    if standing is None:
        return ("The CRM was not asked about this client, or does not have it.",)
    lines = []
    if standing.open_cases is not None:
        urgent = f", {standing.urgent_cases} urgent" if standing.urgent_cases else ""
        lines.append(f"{plural(standing.open_cases, 'open case')}{urgent}")
    if standing.last_activity_at is not None:
        day = local(standing.last_activity_at, zone) or standing.last_activity_at
        lines.append(f"Last activity {_short(day.date(), at)}")
    if standing.is_reckoned and standing.risks:
        worst = sorted(standing.risks, key=lambda part: -part.value)[:3]
        lines.append(f"Risk comes of {join_words([part.name.replace('_', ' ') for part in worst])}")
    return tuple(lines)


def _source(brief: Brief) -> str:
    if brief.standing is None:
        return "News only, no CRM data"
    age = max(0, (brief.at - brief.standing.taken_at).days)
    return "CRM data of today" if age == 0 else f"CRM data {plural(age, 'day')} old"


def _bars(weekly: tuple[int, ...], width: float = 100.0) -> tuple[_Bar, ...]:
    """Bars in a field of ``width`` by ``_CHART_HEIGHT``; a week without events is a line on the ground."""
    most = max(weekly, default=0) or 1
    step = width / max(len(weekly), 1)
    bars = []
    for number, count in enumerate(weekly):
        height = max(0.8, round(count / most * _CHART_HEIGHT, 2))
        bars.append(
            _Bar(round(number * step, 2), round(_CHART_HEIGHT - height, 2), round(step * 0.7, 2), height)
        )
    return tuple(bars)


def _short(day: date, now: datetime | None = None) -> str:
    """ "9 May 2027"; without the year where ``now`` is of the same one."""
    year = "" if now is not None and now.year == day.year else f" {day.year}"
    return f"{day.day} {_MONTHS[day.month - 1]}{year}"
