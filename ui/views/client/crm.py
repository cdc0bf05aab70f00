"""How the client stands by the CRM: its newest snapshot, with its age and where each figure comes from."""

import streamlit as st

from models.base import utc_now
from models.crm import INVENTED
from services.portfolio.crm import crm_on
from services.portfolio.page import ClientFacts
from services.portfolio.standing import Standing
from services.signin import Viewer
from ui.parts.layout import empty
from ui.parts.tables import text_table
from ui.parts.words import ago, plain, when, words
from ui.views.client_words import health_words

_RISKS = {
    "overdue_renewal": "The renewal date is past",
    "renewal_without_deal": "Renewal within 60 days, and no deal open",
    "urgent_cases": "Urgent cases are open",
    "open_cases": "Cases are open",
    "no_activity": "No activity for months",
    "lost_deals": "Deals lost in the last half year",
}
_ENGAGEMENTS = {
    "activity": "How fresh the last activity is",
    "open_deals": "Open deals (three are full)",
    "recent_wins": "Deals won in a year (two are full)",
}


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    standing = facts.standing
    if standing is None:
        _nothing(viewer)
        return
    _age(viewer, facts, standing)
    if standing.is_empty:
        empty(
            "The CRM does not have this client",
            "It is found there by its CRM id, else by its domain or exact name: give it one of them.",
            icon="contacts",
        )
        return
    _figures(standing)
    _parts(standing)
    st.caption(
        "Contacts, e-mails and notes are never read from the CRM. What it says is shown to colleagues in your business "
        "only, and goes to no AI unless an admin allows the field."
    )


def _age(viewer: Viewer, facts: ClientFacts, standing: Standing) -> None:
    source = "invented for the demo" if standing.provider == INVENTED else f"from {words(standing.provider)}"
    st.caption(
        f"As of {when(standing.taken_at, viewer.timezone)} ({ago(standing.taken_at, now=utc_now())}), {source}. "
        "It is asked again when there is news of the client."
    )
    if facts.is_standing_old:
        st.warning(
            "This is older than it should be: the CRM failed, or there was no news since.",
            icon=":material/schedule:",
        )


def _figures(standing: Standing) -> None:
    score = standing.engagement
    money = " + ".join(f"{amount:,.0f} {plain(currency)}".strip() for currency, amount in standing.pipeline)
    cases = "–" if standing.open_cases is None else f"{standing.open_cases:,}"
    urgent = f"{standing.urgent_cases} urgent" if standing.urgent_cases else None
    figures: tuple[tuple[str, str, str | None], ...] = (
        ("Health", plain(health_words(standing)) or "–", "reckoned" if standing.is_reckoned else None),
        ("Engagement", "–" if score is None else f"{score * 100:.0f} of 100", None),
        ("Renewal", f"{standing.renewal_on:%d %b %Y}" if standing.renewal_on else "–", None),
        ("Open pipeline", money or "–", None),
        ("Open deals", "–" if standing.open_deals is None else f"{standing.open_deals:,}", None),
        ("Open cases", cases, urgent),
        ("CRM tier", plain(standing.tier) or "–", None),
        ("Account owner", plain(standing.owner) or "–", None),
    )
    cells = st.grid(min_column_width=170, border=True, key="crm-figures")
    for label, value, note in figures:
        with cells.cell(), st.container(gap=None):
            st.caption(label)
            st.markdown(f"**{value}**" + (f" :small[{note}]" if note else ""))


def _parts(standing: Standing) -> None:
    if standing.last_activity_at is not None:
        st.markdown(f"Last activity: {ago(standing.last_activity_at, now=utc_now())}.")
    if standing.is_reckoned:
        with st.expander("How the health was reckoned", icon=":material/calculate:"):
            if standing.risks:
                text_table(
                    {
                        "What": [_RISKS.get(part.name, words(part.name)) for part in standing.risks],
                        "Points": [f"{part.value:.0f}" for part in standing.risks],
                    },
                    alt="Risks and their points",
                )
            st.caption("From 50 points an account is at risk, from 25 to be watched, below that healthy.")
    if standing.engagements:
        with st.expander("How the engagement was reckoned", icon=":material/calculate:"):
            text_table(
                {
                    "What": [_ENGAGEMENTS.get(part.name, words(part.name)) for part in standing.engagements],
                    "Part": [f"{part.value * 100:.0f} %" for part in standing.engagements],
                },
                alt="Parts of the engagement",
            )
            st.caption("The last activity weighs half, deals open and won a quarter each.")


def _nothing(viewer: Viewer) -> None:
    crm = crm_on(viewer.scope)
    if crm is None:
        empty(
            "No CRM is switched on",
            "With one, health, renewal and pipeline stand here, and mails tell them beside the news."
            + (" Switch one on under Settings, Providers." if viewer.is_admin else ""),
            icon="contacts",
        )
    else:
        empty(
            "The CRM was not asked yet",
            f"{plain(crm.title)} is asked about a client when there is news of it.",
            icon="contacts",
        )
