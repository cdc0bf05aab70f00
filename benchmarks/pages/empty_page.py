"""What there is to compare with: a page with nothing but its name."""

import streamlit as st

st.set_page_config(page_title="Empty", layout="wide")
st.title("Empty")
