"""Who changed what: the audit log, newest first."""

from datetime import date, timedelta
from uuid import UUID

import streamlit as st

from models.base import utc_now
from services.audit_view import AuditFilter, AuditPage, audit_csv, audit_page
from services.audit_words import Topic
from services.people import list_people
from services.signin import Viewer
from ui.parts.layout import empty, told
from ui.parts.tables import text_table
from ui.parts.words import when, words

_ANYBODY, _MACHINERY = "anybody", "machinery"


def show(viewer: Viewer) -> None:
    """The section."""
    st.write("Every change is written down here: who, when, what. Nothing can be changed or removed in it.")
    wanted = _filter(viewer)
    after = st.query_params.get("after", "")
    with told():
        page = audit_page(viewer.scope, wanted, after=after)
        _lines(viewer, page)
        _paging(page, after)
        _file(viewer, wanted)


def _filter(viewer: Viewer) -> AuditFilter:
    people = {str(one.user_id): one.name for one in list_people(viewer.scope)}
    choices = [_ANYBODY, _MACHINERY, *people]
    columns = st.columns(3)
    who = columns[0].selectbox(
        "Person",
        choices,
        format_func=lambda one: {
            _ANYBODY: "Anybody",
            _MACHINERY: "Client Monitor itself",
        }.get(one, people.get(one, "")),
        key="audit_person",
        on_change=_from_the_newest,
    )
    topic = columns[1].selectbox(
        "About",
        [None, *Topic],
        format_func=lambda one: words(one.value) if one else "Anything",
        key="audit_topic",
        on_change=_from_the_newest,
    )
    today = utc_now().date()
    days = columns[2].date_input(
        "Days",
        value=[],
        max_value=today + timedelta(days=1),
        key="audit_days",
        on_change=_from_the_newest,
        format="YYYY-MM-DD",
    )
    first, last = _ends(days)
    return AuditFilter(
        person=UUID(who) if who in people else None,
        machinery=who == _MACHINERY,
        topic=topic,
        first=first,
        last=last,
        timezone=viewer.timezone,
    )


def _ends(days: object) -> tuple[date | None, date | None]:
    """The first and the last day of what a range field holds, whose second day may not be chosen yet."""
    chosen = [day for day in days if isinstance(day, date)] if isinstance(days, list | tuple) else []
    return (chosen[0], chosen[-1]) if chosen else (None, None)


def _from_the_newest() -> None:
    st.query_params.pop("after", None)


def _lines(viewer: Viewer, page: AuditPage) -> None:
    if not page.lines:
        empty(
            "Nothing here",
            "No change fits what you look for. Widen the days, or choose anybody.",
            icon="search_off",
        )
        return
    text_table(
        {
            "When": [when(line.at, viewer.timezone) for line in page.lines],
            "Who": [line.person for line in page.lines],
            "What": [line.says[:1].upper() + line.says[1:] for line in page.lines],
        },
        alt="The audit log, newest first",
    )


def _paging(page: AuditPage, after: str) -> None:
    with st.container(horizontal=True):
        if after and st.button("Newest", icon=":material/first_page:"):
            _from_the_newest()
            st.rerun()
        if page.next and st.button("Older", icon=":material/chevron_right:", icon_position="right"):
            st.query_params["after"] = page.next
            st.rerun()


def _file(viewer: Viewer, wanted: AuditFilter) -> None:
    st.download_button(
        "Take these lines as CSV",
        data=lambda: audit_csv(viewer.scope, wanted),
        file_name=f"audit-{viewer.business_slug}-{utc_now():%Y-%m-%d}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        help="At most the newest 100,000. Taking them is written down as well.",
    )
