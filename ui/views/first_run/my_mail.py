"""The third step: when I am mailed, and a sample to see."""

import streamlit as st

from models.accounts import Frequency
from models.base import utc_now
from models.settings import get_settings
from services.fields import DAYS, zone_names
from services.first_steps import FirstSteps
from services.preferences import Preferences, change_preferences, preferences_of_person
from services.sample_mail import send_sample
from services.signin import Viewer
from services.signin.letters import send_now
from ui import router
from ui.parts.layout import done, told
from ui.parts.words import plain, words

_OFTEN = {
    Frequency.DAILY: "One digest a day",
    Frequency.WEEKLY: "One digest a week",
    Frequency.INSTANT: "At once, at most three a day, the rest in a digest",
}


def show(viewer: Viewer, steps: FirstSteps) -> None:
    """The step."""
    wants = preferences_of_person(viewer.scope, viewer.user_id)
    if steps.has_set_mail:
        st.success("Your mail is set.", icon=":material/check:")
    with st.container(width=640):
        _form(viewer, wants)
        _sample(viewer)
    router.link("preferences", "More choices, with a preview", icon=":material/tune:")


def _form(viewer: Viewer, wants: Preferences) -> None:
    zones = zone_names()
    # Nobody has said where they are: their browser knows.
    here = st.context.timezone
    zone = here if wants.timezone == "UTC" and here in zones else wants.timezone
    with st.form("my_mail"):
        st.markdown(f"Mail goes to **{plain(viewer.email)}**.")
        often = st.radio(
            "How often?", list(_OFTEN), index=list(_OFTEN).index(wants.frequency), format_func=_OFTEN.get
        )
        left, right = st.columns(2)
        at = left.time_input("The digest's time", wants.digest_time, step=900)
        weekday = right.selectbox(
            "Its day, when weekly", range(7), index=wants.digest_day, format_func=lambda day: words(DAYS[day])
        )
        chosen = st.selectbox("Time zone", zones, index=zones.index(zone) if zone in zones else None)
        if st.form_submit_button("Save", type="primary"):
            with told():
                changes = {"frequency": often, "digest_time": at, "digest_day": weekday}
                change_preferences(
                    viewer.scope, viewer.user_id, changes | ({"timezone": chosen} if chosen else {})
                )
                done("Your mail is set.")
                st.rerun()


def _sample(viewer: Viewer) -> None:
    with st.container(border=True):
        st.write(
            "See what it looks like in your mailbox: a sample of invented news, or of your own where there is any."
        )
        if get_settings().transport == "file":
            st.caption("This deployment writes mails as files for now; whoever runs it sets CM\\_TRANSPORT.")
        if st.button("Send me a sample", icon=":material/forward_to_inbox:"):
            with told(), st.spinner("Sending …"):
                sent = send_sample(viewer.scope)
                send_now(viewer.scope, utc_now())
                held = " Sending is stopped for now, so it waits." if sent.is_held else ""
                st.success(
                    f"A sample is on its way to {plain(sent.recipient)}.{held}", icon=":material/check:"
                )
