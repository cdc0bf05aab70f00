"""The second step: where news comes from, those that need no key first, each with what it is sent."""

import streamlit as st

from models.providers import ProviderKind
from models.settings import get_settings
from services.first_steps import FirstSteps
from services.providers import ProviderLine, enable, list_providers
from services.signin import Viewer
from tasks.search.units import RSS
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import counted, plain

FIRST_CHOICE = "google_news"
"""What finds most without a key or an account."""


def show(viewer: Viewer, steps: FirstSteps) -> None:
    """The step."""
    lines = list_providers(viewer.scope, kind=ProviderKind.SOURCE).providers
    on = [line for line in lines if line.enabled]
    if steps.sources:
        names = ", ".join(plain(line.title) for line in on)
        st.success(f"{counted(len(on), 'source is', 'sources are')} on: {names}.", icon=":material/check:")
    st.write(
        "A source is asked about your clients by name, so their names leave the house. Which ones may, is yours to "
        "say; confidential clients are never sent to anybody."
    )
    ready = [line for line in lines if not line.enabled and _is_ready(line)]
    with st.grid(2, min_column_width=320):
        for line in sorted(ready, key=lambda line: (line.name != FIRST_CHOICE, line.title.casefold())):
            _card(viewer, line)
    others = [line for line in lines if not line.enabled and line not in ready and line.ends is None]
    if others:
        with st.expander(f"{counted(len(others), 'more source')} with a key or an address of your own"):
            for line in others:
                st.markdown(f"**{plain(line.title)}**: needs {plain(_needs(line))}.")
            router.link("settings", "Set them up among the outside services", section="providers")


def _is_ready(line: ProviderLine) -> bool:
    """Whether one click is enough."""
    return not line.missing and line.ends is None and (line.name != RSS or bool(get_settings().feeds))


def _needs(line: ProviderLine) -> str:
    fields = [line.fields.get(name, name) for name in line.missing]
    return ", ".join(fields) or "addresses of feeds, which whoever runs Client Monitor puts into CM_FEEDS"


def _card(viewer: Viewer, line: ProviderLine) -> None:
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(line.title)}**", width="stretch")
            if line.name == FIRST_CHOICE:
                st.badge("a good start", color="green")
        st.caption(f"{plain(line.recipient)} receives: {plain(line.sends)}")
        if line.terms:
            st.caption(f"Terms: {plain(line.terms)}")
        if st.button(
            "I agree: switch it on",
            key=f"on_{line.name}",
            type="primary" if line.name == FIRST_CHOICE else "secondary",
            help=f"{plain(line.title)} is asked from the next run on",
        ):
            with told():
                enable(viewer.scope, line.name, kind=line.kind)
                done(f"{line.title} is on.")
                st.rerun()
