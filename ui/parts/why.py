"""What became of an article, stage by stage, as a calm timeline."""

import streamlit as st

from services.feed.shown import ShownEvent
from services.signin import Viewer
from services.why import Step, Why, why
from ui.parts.layout import told
from ui.parts.words import plain, words

_ICONS = {
    "search": "travel_explore",
    "dedupe": "join_inner",
    "enrich": "contacts",
    "match": "person_search",
    "classify": "category",
    "filter": "filter_alt",
    "notify": "mail",
}
_STAGES = {
    "search": "Found",
    "dedupe": "Put with its story",
    "enrich": "The CRM asked",
    "match": "Is it about the client?",
    "classify": "What kind of news is it?",
    "filter": "Is it for you?",
    "notify": "On its way to you",
}
_JUDGING = ("match", "classify")
"""Stages whose verdict says something that their sentence does not."""


@st.dialog("Why do I see this?", width="medium", icon=":material/help:")
def ask_why(viewer: Viewer, shown: ShownEvent) -> None:
    """The timeline of a card's article, over the page."""
    with told():
        timeline(why(viewer.scope, str(shown.article_id), viewer.email))


def timeline(answer: Why) -> None:
    """The answer in a sentence, then each stage's word on the article."""
    source = f" · {plain(answer.source)}" if answer.source else ""
    st.markdown(f"**{plain(answer.article)}**{source}")
    st.info(plain(answer.answer), icon=":material/summarize:")
    for step in answer.steps:
        _step(step)


def _step(step: Step) -> None:
    icon = _ICONS.get(step.stage, "circle")
    stage = _STAGES.get(step.stage, words(step.stage))
    client = f" · {plain(step.client)}" if step.client else ""
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        st.markdown(f":material/{icon}:", width="content")
        with st.container(gap=None):
            st.markdown(f"**{stage}**{client}")
            st.markdown(plain(step.sentence))
            small = [f"“{plain(step.evidence)}”"] if step.evidence else []
            if step.stage in _JUDGING:
                small.append(plain(words(step.verdict)))
            if step.judged_by:
                small.append(f"by {plain(step.judged_by)}")
            if small:
                st.caption(" · ".join(small))
