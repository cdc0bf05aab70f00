"""The form of a client: what may be said of it, what each field does for finding its news, and a try before saving."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import streamlit as st

from models.clients import Tier
from services.clients import ClientFields, assign_people, create_client, edit_client
from services.portfolio.check import MOST_NAMED, Checked, Headline, check_terms
from services.portfolio.page import ClientFacts
from services.portfolio.table import team
from services.signin import Viewer
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import counted, day, plain
from ui.views.client_words import tier_words

_TIERS: dict[str, Tier | None] = {tier_words(tier): tier for tier in (None, *Tier)}
_LINES = "One a line."
_HELP = {
    "name": "What people call it. News must name it, or one of its other names, to be found.",
    "legal_name": "As registered, with Inc., Ltd or AG. Found with and without that ending.",
    "domain": "Its web site. What it announces there is surely about it, and the CRM is asked by it.",
    "ticker": "Counts where a text is about markets: “(NYSE: ACME)”. Also finds its filings with the SEC.",
    "aliases": f"Other names, brands and short forms that mean this company. {_LINES}",
    "excluded_terms": "Words that give a namesake away: an article that says one of them is not about this client. "
    f"They are also left out of searches. {_LINES}",
    "keywords": "What it does. They tell it from namesakes, and narrow the search where its name is an everyday word. "
    f"{_LINES}",
    "industry": "Helps to tell it from namesakes in other trades.",
    "tier": "News of strategic clients counts for more.",
    "crm_id": "The account's id in your CRM: how it is known there whatever its name.",
    "confidential": "Nobody outside is asked about it: no search engine, no AI. It is found only in feeds that are "
    "read whole, and your CRM is still asked. Colleagues in your business see it.",
}


@st.dialog("Add a client", width="large")
def add_client(viewer: Viewer) -> None:
    """A new client, and who looks after it."""
    people = {person.id: person.name for person in team(viewer.scope)}
    with st.form("client-new", border=False):
        fields = _fields(None)
        given = st.multiselect(
            "Looked after by",
            list(people),
            default=[viewer.user_id] if viewer.user_id in people else None,
            format_func=lambda user_id: people[user_id],
            help="They get its news by mail, as they asked for.",
            key="client-people",
        )
        save, check = _buttons("Add")
    if check:
        with told():
            _show(check_terms(viewer.scope, fields), is_new=True, zone=viewer.timezone)
    if save:
        with told():
            client_id = create_client(viewer.scope, **fields)
            if given:
                assign_people(viewer.scope, client_id, given)
            done(f"{fields['name']} is added. The next run looks for it, or start one on its page.")
            router.go("client", id=str(client_id))


@st.dialog("Edit client", width="large")
def edit(viewer: Viewer, facts: ClientFacts) -> None:
    """Change what is said of a client."""
    with st.form(f"client-{facts.id}", border=False):
        fields = _fields(facts.fields)
        save, check = _buttons("Save")
    if check:
        with told():
            _show(check_terms(viewer.scope, fields, facts.id), is_new=False, zone=viewer.timezone)
    if save:
        with told():
            _save(viewer, facts.id, fields)


def _save(viewer: Viewer, client_id: UUID, fields: Mapping[str, Any]) -> None:
    changed = edit_client(viewer.scope, client_id, **fields)
    if changed:
        names = ", ".join(name.replace("_", " ") for name in changed)
        done(f"Saved: {names}. It holds from the next run on; what was found stays")
    else:
        done("Nothing was changed")
    st.rerun()


def _fields(now: ClientFields | None) -> dict[str, Any]:
    """The form's fields as they are typed; their check is the service's."""
    left, right = st.columns(2)
    with left:
        fields: dict[str, Any] = {
            "name": _text("Name", "name", now, 200),
            "legal_name": _text("Legal name", "legal_name", now, 300),
            "domain": _text("Web site or domain", "domain", now, 253),
            "ticker": _text("Ticker", "ticker", now, 20),
            "industry": _text("Industry", "industry", now, 120),
        }
        tiers = list(_TIERS)
        chosen = tiers.index(tier_words(now.tier if now else None))
        tier = st.selectbox("Tier", tiers, index=chosen, help=_HELP["tier"], key="client-tier")
        fields["tier"] = _TIERS[tier]
    with right:
        fields["aliases"] = _lines("Other names", "aliases", now)
        fields["excluded_terms"] = _lines("Not about it, where a text says", "excluded_terms", now)
        fields["keywords"] = _lines("Keywords", "keywords", now)
        fields["crm_id"] = _text("CRM id", "crm_id", now, 120)
    fields["confidential"] = st.toggle(
        "Confidential",
        value=now.confidential if now else False,
        help=_HELP["confidential"],
        key="client-confidential",
    )
    return fields


def _text(label: str, name: str, now: ClientFields | None, most: int) -> str:
    value = getattr(now, name) if now else None
    return st.text_input(label, value or "", max_chars=most, help=_HELP[name], key=f"client-{name}")


def _lines(label: str, name: str, now: ClientFields | None) -> list[str]:
    value = "\n".join(getattr(now, name)) if now else ""
    text = st.text_area(label, value, help=_HELP[name], key=f"client-{name}", height=94)
    return [line for line in text.splitlines() if line.strip()]


def _buttons(label: str) -> tuple[bool, bool]:
    with st.container(horizontal=True):
        save = st.form_submit_button(label, type="primary")
        check = st.form_submit_button(
            "Try on the last 30 days",
            icon=":material/fact_check:",
            help="Holds the news that is here against these terms. Nothing is saved.",
        )
    return save, check


def _show(checked: Checked, *, is_new: bool, zone: str) -> None:
    """What the terms come to, with headlines."""
    news = counted(checked.looked_at, "article")
    if not checked.looked_at:
        st.info("There is no news of the last 30 days yet to try it on.", icon=":material/info:")
        return
    if is_new:
        st.markdown(f"Of {news} of the last 30 days, **{checked.matching:,}** would be about it.")
        _headlines("Would be about it", checked.sample, checked.matching, zone, expanded=True)
    else:
        st.markdown(
            f"Of {news} of the last 30 days, **{checked.matching:,}** would be about it: "
            f"**{checked.gained:,}** more than now, **{checked.lost:,}** no more."
        )
        _headlines("New: would be about it", checked.gains, checked.gained, zone, expanded=True)
        _headlines("Gone: no longer about it", checked.losses, checked.lost, zone, expanded=True)
        _headlines("About it", checked.sample, checked.matching, zone)
    _headlines(
        "Names it, but is taken to be about something else", checked.refusals, checked.turned_away, zone
    )
    some = f"So many name it that only the newest {MOST_NAMED:,} were judged. " if checked.is_partial else ""
    st.caption(
        f"{some}This is the news that is here already: sources that are asked about new names may find more."
    )


def _headlines(
    label: str, shown: tuple[Headline, ...], count: int, zone: str, *, expanded: bool = False
) -> None:
    if not count:
        return
    with st.expander(f"{label}: {count:,}", expanded=expanded):
        for one in shown:
            st.markdown(
                f"{plain(one.title)}  \n:small[{plain(one.source)} · {day(one.at, zone)} · {plain(one.why)}]"
            )
        if count > len(shown):
            st.caption(f"The newest {len(shown)} of {count:,}.")
