"""The same clients for narrow screens: a card each. Which of the two is shown is the stylesheet's affair."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from services.portfolio.sources import Answered
from services.portfolio.standing import Health
from services.portfolio.table import ClientRow
from services.signin import Viewer
from ui import router
from ui.parts.words import category, day
from ui.views.client_words import health_words, people_words, sources_words, tier_words

PAGE = 25
_STYLE = """
<style>
@media (max-width: 640px) { .st-key-clients-table { display: none; } }
@media (min-width: 641px) { .st-key-clients-cards { display: none; } }
/* The grid's own file is no safe one: it would hand formulas to a spreadsheet. "Export" is. */
.st-key-clients-table button[aria-label^="Download as CSV"] { display: none; }
ul.client-cards { display: grid; gap: .6rem; padding: 0; margin: 0; list-style: none; }
.client-cards li { margin: 0; padding: 0; }
.client-cards a { display: block; padding: .8rem .9rem; border-radius: 8px; color: inherit; text-decoration: none;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
.client-cards a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.client-cards p { margin: 0; overflow-wrap: anywhere; }
.client-cards .head { display: flex; justify-content: space-between; gap: .8rem; font-weight: 600; }
.client-cards .quiet { font-size: .86rem; color: color-mix(in srgb, currentColor 72%, transparent); }
.client-cards .state { flex: none; font-weight: 500; font-size: .86rem; }
.client-cards .state::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .4em;
  border-radius: 50%; background: var(--dot, gray); }
.client-cards .news { margin: .35rem 0 .25rem; overflow: hidden;
  display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
</style>
"""
_DOTS = {
    Health.AT_RISK: "#d9483b",
    Health.WATCH: "#d98a00",
    Health.HEALTHY: "#2e9e5b",
    Health.OTHER: "#7d8894",
}


def cards(viewer: Viewer, rows: Sequence[ClientRow]) -> None:
    """The cards, some at a time."""
    pages = max(1, -(-len(rows) // PAGE))
    number = st.pagination(pages, key=f"clients-page-{pages}") if pages > 1 else 1
    shown = rows[(number - 1) * PAGE : number * PAGE]
    st.html(_STYLE + f'<ul class="client-cards">{"".join(_card(row, viewer.timezone) for row in shown)}</ul>')


def _card(row: ClientRow, zone: str) -> str:
    state = ""
    if row.health in _DOTS:
        state = f'<span class="state" style="--dot:{_DOTS[row.health]}">{escape(health_words(row.standing))}</span>'
    facts = [tier_words(row.tier)] if row.tier else []
    facts.append(people_words(row))
    if row.confidential:
        facts.append("confidential")
    if row.sources.state not in (Answered.OK, Answered.WAITING):
        facts.append(f"sources: {sources_words(row.sources)}")
    return (
        f'<li><a href="{escape(router.address("client", id=str(row.id)), quote=True)}" target="_self">'
        f'<p class="head"><span>{escape(row.name)}</span>{state}</p>'
        f'<p class="news">{escape(_news(row, zone))}</p>'
        f'<p class="quiet">{escape(" · ".join(facts))}</p></a></li>'
    )


def _news(row: ClientRow, zone: str) -> str:
    event = row.last_event
    if event is None:
        return "No news yet"
    kind = category(event.category.value) if event.category else "Language not read"
    return f"{day(event.at, zone)} · {kind}: {event.title}"
