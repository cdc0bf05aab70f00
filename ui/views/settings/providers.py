"""Outside services: what each is sent, what it costs, how it does, and the way to switch it."""

from collections.abc import Sequence

import streamlit as st

from models.breakers import BreakerState
from models.providers import ProviderKind
from services.providers import Listing, ProviderLine, list_providers
from services.signin import Viewer
from ui.parts.layout import empty
from ui.parts.words import counted, plain, when
from ui.views.settings import provider

_KINDS = {
    ProviderKind.SOURCE: (
        "Sources",
        "Where news comes from. Each is asked about your clients by name; feeds are only read.",
    ),
    ProviderKind.CRM: ("CRM", "Tier, owner, pipeline and renewals beside each client's news. One at a time."),
    ProviderKind.CLASSIFIER: (
        "Language models",
        "Judge what the rules leave open. Without one the rules work alone. One at a time.",
    ),
}


def show(viewer: Viewer) -> None:
    """The section: all services, or the one that the address names."""
    listing = list_providers(viewer.scope)
    named = st.query_params.get("provider", "")
    one = next((line for line in listing.providers if provider.address(line) == named), None)
    if one is not None:
        provider.show(viewer, one, listing)
        return
    st.write(
        "Nothing leaves the house before it is switched on here. Confidential clients are never sent to anybody, "
        "whatever is on."
    )
    _assumed(listing)
    for kind, (title, lead) in _KINDS.items():
        lines = [line for line in listing.providers if line.kind is kind]
        st.subheader(title, anchor=False)
        st.caption(lead)
        if not lines:
            empty(f"No {title.lower()} installed", "They come with the package that brings them.")
        _cards(viewer, lines)


def _assumed(listing: Listing) -> None:
    confidential = (
        f", {listing.confidential} of them confidential and not counted" if listing.confidential else ""
    )
    st.caption(
        f"Costs are reckoned for {counted(listing.clients, 'client')}{confidential} and {listing.runs_a_day:g} runs "
        "a day."
    )


def _cards(viewer: Viewer, lines: Sequence[ProviderLine]) -> None:
    with st.grid(2, min_column_width=320):
        for line in sorted(lines, key=lambda line: (not line.enabled, line.title.casefold())):
            with st.container(border=True, height="stretch"):
                with st.container(horizontal=True, vertical_alignment="center"):
                    st.markdown(f"**{plain(line.title)}**", width="stretch")
                    badges(viewer, line)
                st.caption(f"{plain(line.recipient)} receives: {plain(line.sends)}")
                st.caption(costs(line))
                label = "Open" if line.enabled else "Look at it"
                if st.button(
                    label, key=f"open_{provider.address(line)}", help=f"{label}: {plain(line.title)}"
                ):
                    st.query_params["provider"] = provider.address(line)
                    st.rerun()


def badges(viewer: Viewer, line: ProviderLine) -> None:
    """On or off, and what needs somebody's eye."""
    if line.enabled and line.missing:
        st.badge("needs a key", icon=":material/key:", color="orange")
    elif line.enabled and line.state is BreakerState.OPEN:
        st.badge(f"left alone until {when(line.asked_again_at, viewer.timezone)}", color="orange")
    elif line.enabled and line.held_until is not None:
        st.badge(f"pauses until {when(line.held_until, viewer.timezone)}", color="orange")
    st.badge("on" if line.enabled else "off", color="green" if line.enabled else "gray")


def costs(line: ProviderLine) -> str:
    """Requests and money a month, in a sentence."""
    if line.calls_a_month is None:
        return (
            "Its cost does not depend on the number of clients."
            if line.kind is ProviderKind.SOURCE
            else "By plan."
        )
    requests = f"{line.calls_a_month:,} requests a month"
    if line.usd_a_month is not None:
        return f"{requests}, about {line.usd_a_month:,.2f} US dollars."
    return f"{requests}, more than its free plan has." if line.beyond_free else f"{requests}."
