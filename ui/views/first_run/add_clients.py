"""The first step: the companies to watch, typed, from a file or the CRM; or a demo to look around in."""

from ipaddress import ip_address

import streamlit as st

from models.settings import get_settings
from services.client_import import guess, import_sheet, preview_sheet, read_upload
from services.demo_start import may_start_demo, start_demo
from services.first_steps import FirstSteps, look_after_orphans
from services.portfolio.crm import crm_on
from services.signin import Viewer
from services.typed_clients import Typed, add_typed
from tasks.notify.links import PREFIX
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import counted, plain

_FAULTS = "typed_faults"
_NAMED = 8
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")


def show(viewer: Viewer, steps: FirstSteps) -> None:
    """The step."""
    if steps.clients:
        mine = f", {steps.mine} of them looked after by you" if steps.mine else ""
        st.success(
            f"{counted(steps.clients, 'client is', 'clients are')} watched{mine}.", icon=":material/check:"
        )
        router.link("clients", "See and complete them on the Clients page", icon=":material/domain:")
    if steps.orphans:
        _orphans(viewer, steps.orphans)
    ways = ["Type a few", "From a CSV file", "From the CRM"]
    if not steps.clients:
        ways.append("Look around in the demo first")
    for tab, way in zip(st.tabs(ways), (_typed, _file, _crm, _demo), strict=False):
        with tab:
            way(viewer)


def _orphans(viewer: Viewer, count: int) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.write(f"Nobody looks after {counted(count, 'client')}: their news would reach nobody.")
        if st.button("I look after them", icon=":material/person_check:"):
            with told():
                look_after_orphans(viewer.scope)
                done("They are yours.")
                st.rerun()


def _typed(viewer: Viewer) -> None:
    with st.form("typed", clear_on_submit=False):
        text = st.text_area(
            "One company a line: its name, then its domain if you know it",
            height=160,
            placeholder="Brightwater Robotics, brightwater-robotics.com\nHarbor Payments, harbor-payments.com",
        )
        st.caption(
            "The domain helps to tell namesakes apart. Other names, ticker and the like can follow later."
        )
        mine = st.checkbox("I look after these clients", value=True, help="You get their news.")
        if st.form_submit_button("Watch these clients", type="primary"):
            with told():
                typed = add_typed(viewer.scope, text, mine=mine)
                st.session_state[_FAULTS] = typed.faults
                if typed.faults:
                    st.query_params["step"] = "1"  # what was left out is told here
                done(_said(typed))
                st.rerun()
    for fault in st.session_state.pop(_FAULTS, [])[:_NAMED]:
        st.warning(f"Left out, {plain(fault)}.")


def _said(typed: Typed) -> str:
    said = f"{counted(len(typed.added), 'client')} added"
    said += f", {len(typed.known)} there already" if typed.known else ""
    return said + (f", {counted(len(typed.faults), 'line')} left out" if typed.faults else "")


def _file(viewer: Viewer) -> None:
    upload = st.file_uploader("A CSV file with column names in its first row", type=["csv", "txt", "tsv"])
    st.caption("A column of names is enough. Nothing is written before you have seen what would come of it.")
    if upload is not None:
        with told():
            sheet = read_upload(upload.name, upload.getvalue())
            columns = guess(sheet)
            report = preview_sheet(viewer.scope, sheet, columns)
            st.write(
                f"{counted(len(report.created), 'new client')}, {len(report.updated)} changed, "
                f"{len(report.unchanged)} there already, {counted(len({one.row for one in report.faults}), 'row')} "
                f"left out. Columns read: {plain(', '.join(columns))}."
            )
            for fault in report.faults[:_NAMED]:
                st.warning(plain(fault))
            if report.changes_something and st.button("Import", type="primary", key="first-import"):
                import_sheet(viewer.scope, sheet, columns)
                done(f"{counted(len(report.created), 'client')} added.")
                st.rerun()
    router.link("clients", "Say yourself what the columns mean", icon=":material/table_edit:", view="csv")


def _crm(viewer: Viewer) -> None:
    crm = crm_on(viewer.scope)
    if crm is None:
        st.write(
            "Salesforce and HubSpot can give you their accounts, and whoever owns an account looks after the client. "
            "First switch yours on, among the outside services."
        )
        router.link("settings", "Outside services", icon=":material/hub:", section="providers")
        return
    st.write(f"{plain(crm.title)} is on. You see what would come of it before anything is written.")
    router.link("clients", f"Import from {plain(crm.title)}", icon=":material/contacts:", view="crm")


def _demo(viewer: Viewer) -> None:
    st.write(
        "A tenant of its own, with twelve invented clients and invented news, four invented people, and mails that are "
        "written as files. Nothing of it is mixed with your business, and nothing is sent to anybody."
    )
    if not may_start_demo(viewer, is_here=_is_here()):
        st.caption(
            "An owner or operator loads it, at the machine Client Monitor runs on; or `client-monitor demo` does."
        )
        return
    if st.button("Load the demo", icon=":material/science:"):
        with told():
            started = start_demo(viewer, is_here=True)
            working = " Its news is being written: half a minute." if started else ""
            st.success(f"The demo is there.{working}", icon=":material/check:")
    st.caption("You see it after signing out here: the sign-in page then offers the demo, with one click.")
    st.html(f'<a href="{PREFIX}/sign-out" target="_self" style="color:inherit">Sign out, to see the demo</a>')


def _is_here() -> bool:
    """Whether the browser is on this machine: no proxy between, no name but the loopback's."""
    headers = st.context.headers
    hosts = [headers.get("Host", ""), get_settings().public_url.partition("://")[2].partition("/")[0]]
    return (
        st.context.ip_address is None
        and all(_is_loopback(host) for host in hosts)
        and not any(name in headers for name in _FORWARDED)
    )


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.count(":") == 1 or "]:" in host else host
    if name == "localhost":
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
