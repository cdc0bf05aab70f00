"""The app's frame: who is looking, where they can go, and the page they chose. Streamlit runs it for each look."""

from pathlib import Path

import streamlit as st

from services.first_steps import is_new
from tasks.notify.links import PREFIX
from ui import router, session
from ui.parts.layout import say_done
from ui.parts.words import plain

ASSETS = Path(__file__).parent / "assets"

# A picture of our own: Streamlit's icons would come from another house.
st.set_page_config(page_title="Client Monitor", page_icon=str(ASSETS / "mark.svg"), layout="wide")
st.logo(str(ASSETS / "logo.svg"), size="large", icon_image=str(ASSETS / "mark.svg"))

if st.context.theme.type == "dark":
    # A blue that reads well on dark ground is too light for the white that Streamlit writes on it.
    st.html("<style>[data-testid^='stBaseButton-primary'] * { color: #12181f !important }</style>")

viewer = session.viewer()
if viewer is None:
    session.ask_to_sign_in()
    st.stop()

chosen = st.navigation(router.pages_for(viewer, is_new=is_new(viewer.scope)), expanded=True)
with st.sidebar:
    st.markdown(f"**{plain(viewer.business_name)}**  \n{plain(viewer.name)} · {viewer.role.value}")
    st.html(f'<a href="{PREFIX}/sign-out" target="_self" style="color:inherit">Sign out</a>')
    if viewer.is_demo:
        st.caption("The demo: invented clients, invented news. Nothing here is mailed to anybody.")
say_done()
chosen.run()
