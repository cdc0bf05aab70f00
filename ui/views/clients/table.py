"""The table for wide screens: a row a client, a name that opens its page, boxes to tick for admins."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from services.portfolio.table import ClientRow
from services.signin import Viewer
from ui import router
from ui.parts.words import category
from ui.views.client_words import (
    ANSWERED,
    ANSWERED_COLOURS,
    HEALTH,
    HEALTH_COLOURS,
    health_words,
    people_words,
    tier_words,
)

KEY = "clients-rows"
_OPEN = "clients-open"
_ROW_HEIGHT, _MOST_ROWS = 35, 16


def table(viewer: Viewer, rows: Sequence[ClientRow]) -> list[ClientRow]:
    """Show the rows; those that are ticked, for who may tick."""
    data = [_cells(row, viewer.timezone) for row in rows]
    columns = {name: [cells[name] for cells in data] for name in data[0]}
    may_tick = viewer.is_admin
    found: Any = st.dataframe(
        columns,
        key=KEY,
        hide_index=True,
        height=_ROW_HEIGHT * (min(len(rows), _MOST_ROWS) + 1) + 3,
        row_height=_ROW_HEIGHT,
        on_select="rerun" if may_tick else "ignore",
        selection_mode="multi-row",
        column_config=_columns(rows),
        placeholder="–",
        alt="Clients",
    )
    clicked = st.session_state.get(_OPEN)
    if clicked is not None and clicked["row"] < len(rows):
        router.go("client", id=str(rows[clicked["row"]].id))
    st.caption("A name opens the client’s page." + (" Tick clients to change several at once." * may_tick))
    if not may_tick:
        return []
    ticked = found["selection"]["rows"]
    return [rows[number] for number in ticked if number < len(rows)]


def _cells(row: ClientRow, zone: str) -> dict[str, Any]:
    event = row.last_event
    what = ""
    if event is not None:
        kind = category(event.category.value) if event.category else "Language not read"
        what = f"{kind}: {event.title}"
    return {
        "Client": row.name + (" (confidential)" if row.confidential else ""),
        "Health": [health_words(row.standing)] if health_words(row.standing) else [],
        "Tier": tier_words(row.tier) if row.tier else "",
        "When": event.at.astimezone(ZoneInfo(zone)).date() if event else None,
        "Last event": what,
        "30 days": row.recent_events,
        "Sources": [ANSWERED[row.sources.state]],
        "Looked after by": people_words(row),
        "Engagement": row.engagement,
    }


def _columns(rows: Sequence[ClientRow]) -> dict[str, Any]:
    column = st.column_config
    healths = {health_words(row.standing): row.health for row in rows if health_words(row.standing)}
    healths |= {HEALTH[health]: health for health in set(healths.values())}
    return {
        "Client": column.ButtonColumn(
            type="tertiary",
            alignment="left",
            key=_OPEN,
            pinned=True,
            width=176,
            help="Opens the client's page",
        ),
        "Health": column.MultiselectColumn(
            options=list(healths),
            color=[HEALTH_COLOURS[health] for health in healths.values()],
            width=84,
            help="From the CRM: its own word, or reckoned from cases, deals, renewal and activity",
        ),
        "Engagement": column.ProgressColumn(
            min_value=0.0, max_value=1.0, format="percent", width=104, help="Activity and deals, from the CRM"
        ),
        "Tier": column.TextColumn(width=78),
        "Looked after by": column.TextColumn(width=140),
        "When": column.DateColumn(format="D MMM", width=62),
        "Last event": column.TextColumn(width=230, help="The newest that is more than chatter"),
        "30 days": column.NumberColumn(
            width=60, help="Events of the last 30 days that are more than chatter"
        ),
        "Sources": column.MultiselectColumn(
            options=list(ANSWERED.values()),
            color=list(ANSWERED_COLOURS.values()),
            width=92,
            help="How the sources that are asked about the client last answered",
        ),
    }
