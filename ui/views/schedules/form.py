"""A schedule's form: it says in words what is meant, and when it would start, while somebody types."""

from collections.abc import Callable
from datetime import datetime, time
from typing import Any
from uuid import UUID

import streamlit as st

from models.base import utc_now
from models.clients import Client
from models.jobs import AutomationSchedule, JobType, ScheduleType
from services.errors import UserError
from services.fields import DAYS, zone_names
from services.runs import clients_by_id
from services.schedules import (
    Change,
    Definition,
    create,
    define,
    definition_of,
    edit,
    find_schedule,
    in_words,
    may_keep,
    next_runs,
)
from services.signin import Viewer
from ui.parts.layout import done, heading, told
from ui.parts.run_words import JOBS, JOBS_DO
from ui.parts.words import counted, plain, when

TYPES = {
    ScheduleType.HOURLY: "Every hour",
    ScheduleType.DAILY: "Every day",
    ScheduleType.WEEKLY: "On days of the week",
    ScheduleType.MONTHLY: "Once a month",
    ScheduleType.CUSTOM: "Cron",
    ScheduleType.MANUAL: "By hand only",
}
ALL, CHOSEN = "All clients", "Chosen ones"
_NEXT = 5
_STEP = 300
_NAMELESS = "A schedule"


def edit_page(viewer: Viewer, wanted: str | None, *, back: Callable[[], None]) -> None:
    """The form of the schedule ``wanted``, or of a new one; ``back`` leaves it."""
    st.button(
        "All schedules", icon=":material/arrow_back:", type="tertiary", key="schedule-back", on_click=back
    )
    with told():
        if not may_keep(viewer.scope):
            raise PermissionError("only managers and admins change schedules")
        row = find_schedule(viewer.scope, wanted) if wanted is not None else None
        heading("New schedule" if row is None else row.name)
        fields = _fields(viewer, row)
        _preview(viewer, fields)
        with st.container(horizontal=True):
            label = "Create schedule" if row is None else "Save"
            if st.button(label, type="primary", icon=":material/check:", key="schedule-save"):
                with told(), st.spinner("Saving …"):
                    _save(viewer, row, fields, back)
            st.button("Cancel", key="schedule-cancel", on_click=back)


def _fields(viewer: Viewer, row: AutomationSchedule | None) -> dict[str, Any]:
    """The fields, drawn and read: those that the chosen type needs."""
    start = definition_of(row) if row else _usual(viewer)
    key = str(row.id) if row else "new"
    left, right = st.columns(2, gap="large")
    with left:
        name = st.text_input(
            "Name",
            value=row.name if row else "",
            max_chars=200,
            placeholder="Weekday mornings",
            key=f"name-{key}",
        )
        job = st.selectbox(
            "What it does",
            list(JobType),
            index=list(JobType).index(start.job_type),
            format_func=lambda one: JOBS[one],
            key=f"job-{key}",
        )
        job = job or start.job_type
        st.caption(JOBS_DO[job])
        fields: dict[str, Any] = {"name": name, "job_type": job, "client_ids": None}
        if job is not JobType.NOTIFICATION_DIGEST:
            fields |= _whom(viewer, start, key)
    with right:
        kind = st.selectbox(
            "How often",
            list(TYPES),
            index=list(TYPES).index(start.schedule_type),
            format_func=lambda one: TYPES[one],
            key=f"type-{key}",
        )
        fields |= {"schedule_type": kind, **_times(kind, start, key)}
        if kind is not ScheduleType.MANUAL:
            zones = zone_names()
            fields["timezone"] = st.selectbox(
                "Time zone", zones, index=zones.index(start.timezone), key=f"zone-{key}"
            )
    return fields


def _usual(viewer: Viewer) -> Definition:
    zone = viewer.timezone if viewer.timezone in zone_names() else "UTC"
    return define(name=_NAMELESS, schedule_type=ScheduleType.WEEKLY, at=time(8), timezone=zone)


def _times(kind: ScheduleType, start: Definition, key: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    match kind:
        case ScheduleType.HOURLY:
            fields["minute"] = st.number_input(
                "Minutes past the hour", 0, 59, value=start.minute, key=f"minute-{key}"
            )
        case ScheduleType.WEEKLY:
            fields["weekdays"] = st.pills(
                "Weekdays",
                range(7),
                selection_mode="multi",
                default=start.sorted_weekdays,
                format_func=lambda one: DAYS[one][:3].capitalize(),
                key=f"weekdays-{key}",
            )
        case ScheduleType.MONTHLY:
            fields["day"] = st.number_input(
                "Day of the month",
                1,
                31,
                value=start.day,
                key=f"day-{key}",
                help="31 is the last day of every month",
            )
        case ScheduleType.CUSTOM:
            fields["cron"] = st.text_input(
                "Cron expression",
                value=start.cron,
                key=f"cron-{key}",
                help="Minute, hour, day of month, month, day of week: 0 8 \\* \\* 1-5 is every weekday at 08:00",
            )
    if kind in {ScheduleType.DAILY, ScheduleType.WEEKLY, ScheduleType.MONTHLY}:
        fields["at"] = st.time_input("At", value=start.at, step=_STEP, key=f"at-{key}")
    return fields


def _whom(viewer: Viewer, start: Definition, key: str) -> dict[str, Any]:
    watched: dict[UUID, Client] = clients_by_id(viewer.scope)
    whom = st.radio(
        "For", [ALL, CHOSEN], index=0 if start.client_ids is None else 1, horizontal=True, key=f"for-{key}"
    )
    chosen: tuple[UUID, ...] | None = None
    if whom == CHOSEN:
        before = start.client_ids or ()
        names = st.multiselect(
            "Clients",
            list(watched),
            default=[one for one in before if one in watched],
            format_func=lambda one: watched[one].name if one in watched else "gone",
            key=f"clients-{key}",
        )
        chosen = tuple(names)
        if gone := [one for one in before if one not in watched]:
            st.caption(
                f"{counted(len(gone), 'client')} of it no longer watched: saving leaves them out.",
            )
    days = st.number_input(
        "Days to look back",
        1,
        365,
        value=start.days_back,
        key=f"back-{key}",
        help="How far back a source is asked about a client it was not asked about before",
    )
    return {"client_ids": chosen, "days_back": days}


def _preview(viewer: Viewer, fields: dict[str, Any]) -> None:
    """What the fields come to, in words and in days; or what is wrong with them."""
    now = utc_now()
    with st.container(border=True, gap="xsmall", key="schedule-preview"):
        try:
            meant = define(**fields | {"name": fields["name"].strip() or _NAMELESS})
            said, coming = in_words(meant), next_runs(meant, _NEXT, after=now)
        except UserError as error:
            st.markdown(f":material/edit_note: {plain(error)}.")
            return
        st.markdown(f":material/schedule: **{plain(said[:1].upper() + said[1:])}**")
        if not coming:
            st.caption("It never starts by itself: press “Run now” in the list.")
            return
        st.markdown(
            f"Next, in your time ({plain(viewer.timezone)}):\n"
            + "\n".join(f"- {_at(at, viewer, meant, now)}" for at in coming)
        )


def _at(at: datetime, viewer: Viewer, meant: Definition, now: datetime) -> str:
    mine = when(at, viewer.timezone, now=now)
    theirs = when(at, meant.timezone, now=now)
    return mine if mine == theirs else f"{mine} ({theirs} there)"


def _save(
    viewer: Viewer, row: AutomationSchedule | None, fields: dict[str, Any], back: Callable[[], None]
) -> None:
    change = create(viewer.scope, define(**fields)) if row is None else edit(viewer.scope, row.id, **fields)
    back()
    done(_saved(change))
    st.rerun()


def _saved(change: Change) -> str:
    name = change.schedules[0].name
    if change.is_live:
        return f"Saved: {name}. Prefect works by it already."
    return f"Saved: {name}. Prefect does not know yet: the change waits for it."
