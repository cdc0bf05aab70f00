"""Get started: four steps from an empty business to the first digest. Where they stand is read off the database."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from services.first_steps import FirstSteps, first_steps, want_first_steps
from services.signin import Viewer
from ui import router
from ui.parts.layout import empty, heading, told
from ui.views.first_run import add_clients, choose_sources, first_look, my_mail


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four; ``show`` draws it and is told how far the tenant is."""

    title: str
    show: Callable[[Viewer, FirstSteps], None]


STEPS = (
    Step("Add clients", add_clients.show),
    Step("Choose sources", choose_sources.show),
    Step("Set my mail", my_mail.show),
    Step("First run", first_look.show),
)


def page(viewer: Viewer) -> None:
    """The page."""
    if not viewer.is_admin:
        heading("Get started")
        empty("Only for admins", "An owner or admin of your business sets it up.", icon="lock")
        return
    with told():
        steps = first_steps(viewer.scope)
        _head(viewer, steps)
        number = _chosen(steps)
        st.header(f"{number + 1}. {STEPS[number].title}", anchor=False)
        STEPS[number].show(viewer, steps)
        _onwards(viewer, steps, number)


def _head(viewer: Viewer, steps: FirstSteps) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content", gap=None):
            heading(
                "Get started",
                "Four steps to your first digest. Leave and come back as you like: nothing is lost.",
            )
        if not all(steps.done) and st.button("I find my own way", type="tertiary", help="Hides these steps"):
            _end(viewer)


def _chosen(steps: FirstSteps) -> int:
    named = st.query_params.get("step", "")
    undone = [number for number, is_done in enumerate(steps.done) if not is_done]
    current = int(named) - 1 if named in {"1", "2", "3", "4"} else (undone or [len(STEPS) - 1])[0]
    picked = st.segmented_control(
        "Step",
        list(range(len(STEPS))),
        default=current,
        required=True,
        format_func=lambda number: (
            f":material/{'check_circle' if steps.done[number] else 'radio_button_unchecked'}: {STEPS[number].title}"
        ),
        label_visibility="collapsed",
        width="stretch",
    )
    if picked is not None and picked != current:
        go_to(picked)
    return current


def go_to(number: int) -> None:
    """Show another step, now."""
    st.query_params["step"] = str(number + 1)
    st.rerun()


def _onwards(viewer: Viewer, steps: FirstSteps, number: int) -> None:
    st.space("small")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if number + 1 < len(STEPS):
            label = "Next" if steps.done[number] else "Skip for now"
            if st.button(label, icon=":material/arrow_forward:", icon_position="right"):
                go_to(number + 1)
        elif steps.has_good_run and st.button(
            "Finish, and go to Today", type="primary", icon=":material/flag:"
        ):
            _end(viewer)


def _end(viewer: Viewer) -> None:
    want_first_steps(viewer.scope, False)
    st.query_params.clear()
    router.go("today")
    st.rerun()
