"""What a verdict would do, shown before it is given."""

import streamlit as st

from models.feedback import FeedbackVerdict
from services import feedback
from services.feed.shown import ShownEvent
from services.feedback import Preview
from services.signin import Viewer
from ui.parts.layout import done, told
from ui.parts.words import counted, day, plain

_SHOWN = 5
_ASKED = {
    FeedbackVerdict.NOT_RELEVANT: "This kind of news is not relevant to me",
    FeedbackVerdict.WRONG_COMPANY: "This is about another company",
}


def ask_verdict(viewer: Viewer, shown: ShownEvent, verdict: FeedbackVerdict) -> None:
    """Over the page: what the verdict changes, and a button that gives it."""
    st.dialog(_ASKED[verdict], width="medium")(_ask)(viewer, shown, verdict)


def _ask(viewer: Viewer, shown: ShownEvent, verdict: FeedbackVerdict) -> None:
    st.markdown(f"**{plain(shown.title)}**  \n{plain(shown.client)}")
    phrase = ""
    if verdict is FeedbackVerdict.WRONG_COMPANY:
        phrase = st.text_input(
            "Words of the headline that give it away (optional)",
            key=f"phrase-{shown.event_id}",
            help="Future news with these words will not count as being about this client.",
        )
    note = st.text_input("A note for whoever looks after the rules (optional)", key=f"say-{shown.event_id}")
    with told():
        told_before = feedback.preview(
            viewer.scope, str(shown.event_id), verdict, phrase=phrase.strip() or None
        )
        _preview(told_before, viewer)
        if st.button("Yes, do this", type="primary", key=f"give-{shown.event_id}"):
            said = feedback.give(
                viewer.scope, str(shown.event_id), verdict, phrase=phrase.strip() or None, note=note
            )
            done(f"{said.effect[:1].upper()}{said.effect[1:]}. You can undo it on this page")
            st.rerun()


def _preview(told_before: Preview, viewer: Viewer) -> None:
    effect = told_before.effect
    st.info(f"**What it does:** {plain(effect)}.", icon=":material/visibility:")
    if told_before.why:
        st.caption(plain(told_before.why))
    if not told_before.removes:
        st.caption("It would have kept nothing else away in the last 90 days. You can undo it.")
        return
    of = counted(told_before.of, "item")
    st.caption(f"In the last 90 days it would have kept away {len(told_before.removes)} more, of {of}:")
    for one in told_before.removes[:_SHOWN]:
        st.markdown(f"- {plain(one.title)} ({day(one.at, viewer.timezone)})")
    if len(told_before.removes) > _SHOWN:
        st.caption(f"and {len(told_before.removes) - _SHOWN} more. You can undo it.")
