"""What people taught about the client: rules, and kinds of news somebody wants no more; each can be taken back."""

from collections.abc import Sequence

import streamlit as st

from services.portfolio.page import ClientFacts
from services.portfolio.taught import MutedKind, TaughtRule, Teaching, taught
from services.signin import Viewer
from ui.parts.cards import undo_verdict
from ui.parts.layout import empty, told
from ui.parts.words import category, counted, day, plain


def show(viewer: Viewer, facts: ClientFacts) -> None:
    """The section."""
    with told():
        found = taught(viewer.scope, facts.id)
        in_force = [rule for rule in found.rules if rule.undone_at is None]
        undone = [rule for rule in found.rules if rule.undone_at is not None]
        st.subheader("What is about it", anchor=False)
        st.caption(
            "“Wrong company” on an event makes such a rule. It holds for everybody, from the next run on."
        )
        if not in_force and not found.loose:
            empty(
                "No rules yet",
                "Where a namesake's news comes, say “Wrong company” on its card.",
                icon="school",
            )
        for rule in in_force:
            _rule(viewer, rule)
        for said in found.loose:
            _loose(viewer, said)
        if undone:
            with st.expander(f"Taken back: {counted(len(undone), 'rule')}"):
                for rule in undone:
                    st.markdown(
                        f"- {plain(_sentence(rule))} :small[· taken back {day(rule.undone_at, viewer.timezone)}]"
                    )
        _mutes(viewer, found.mutes)


def _rule(viewer: Viewer, rule: TaughtRule) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":material/rule: **{plain(_sentence(rule))}**")
        kept = "Keeps nothing away at present" if not rule.keeps_away else ""
        kept = kept or f"Keeps {counted(rule.keeps_away, 'article')} of the last 90 days away"
        note = f" · {plain(rule.note)}" if rule.note else ""
        st.caption(f"{kept} · since {day(rule.created_at, viewer.timezone)}{note}")
        if rule.examples:
            with st.expander("What it keeps away"):
                for one in rule.examples:
                    st.markdown(
                        f"- {plain(one.title)} :small[· {plain(one.source)} · {day(one.at, viewer.timezone)}]"
                    )
                if rule.keeps_away > len(rule.examples):
                    st.caption(f"The newest {len(rule.examples)} of {rule.keeps_away:,}.")
        _undo(viewer, rule.teachings)


def _loose(viewer: Viewer, said: Teaching) -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":material/block: **Not about it:** {plain(said.title)}")
        st.caption("This story only: nothing in it tells the namesake safely, so there is no rule.")
        _undo(viewer, (said,))


def _mutes(viewer: Viewer, mutes: Sequence[MutedKind]) -> None:
    st.subheader("Kinds of news somebody wants no more", anchor=False)
    st.caption("“Not relevant” on an event makes one, for the person who said it alone.")
    if not mutes:
        st.markdown("None." if viewer.is_admin else "You want all kinds.")
    for mute in mutes:
        with st.container(border=True, gap="xsmall"):
            who = "You want" if mute.is_own else f"{plain(mute.person) or 'Somebody'} wants"
            st.markdown(
                f":material/notifications_off: {who} no more **{category(mute.category.value).lower()}** of it"
            )
            st.caption(f"Since {day(mute.since, viewer.timezone)}")
            _undo(viewer, mute.teachings)


def _undo(viewer: Viewer, teachings: Sequence[Teaching]) -> None:
    for said in teachings:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            who = plain(said.person) or "Somebody"
            note = f" “{plain(said.note)}”" if said.note else ""
            st.markdown(
                f":small[{who} said so of “{plain(said.title)}”, {day(said.at, viewer.timezone)}{note}]",
                width="stretch",
            )
            if said.may_undo and st.button(
                "Take back",
                key=f"undo-{said.feedback_id}",
                icon=":material/undo:",
                help="What was kept away because of it is judged again by the next run.",
            ):
                undo_verdict(viewer, str(said.feedback_id))


def _sentence(rule: TaughtRule) -> str:
    return rule.sentence[:1].upper() + rule.sentence[1:]
