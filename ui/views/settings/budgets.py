"""What language models may cost this business, what they did cost, and where the limits come from."""

import altair as alt
import streamlit as st

from models.providers import ProviderKind
from services.budgets import Limit, Limits, change_limits, limits_of
from services.providers import find_provider, list_providers
from services.signin import Viewer
from services.spend import Allowance, By, Spend, spend
from ui.parts.charts import Numbers, figure, spec
from ui.parts.layout import done, empty, told
from ui.parts.tables import text_table
from ui.parts.words import counted, plain
from ui.views.settings.links import open_section

_DAYS = 30
_WHEN = {"day": "today", "month": "this month"}


def show(viewer: Viewer) -> None:
    """The section."""
    costs = spend(viewer.scope, days=_DAYS)
    limits = limits_of(viewer.scope)
    if limits is None:
        empty(
            "No language model is on",
            "The rules work alone, and cost nothing. You switch a model on among the outside services.",
            icon="savings",
        )
        open_section("providers", "Outside services")
    else:
        _left(costs.allowances)
        _limits(viewer, limits)
    if costs.total.calls:
        _spent(viewer, costs)
    _searches(viewer)


def _left(allowances: list[Allowance]) -> None:
    st.subheader("Left today and this month", anchor=False)
    with st.grid(4):
        for one in allowances:
            st.metric(
                f"{'US dollars' if one.unit == 'usd' else 'Calls'} {_WHEN[one.period]}",
                _amount(one.left, one.unit),
                help=f"Spent or held: {_amount(one.taken, one.unit)} of {_amount(one.limit, one.unit)}",
                border=True,
            )
    st.caption(
        "Days and months are those of UTC. When nothing is left the rules classify alone; no news is lost."
    )


def _limits(viewer: Viewer, limits: Limits) -> None:
    st.subheader("Limits", anchor=False)
    name = plain(find_provider(limits.classifier, ProviderKind.CLASSIFIER).about.title)
    st.write(
        f"**{name}** is asked with your own key: what you set here holds."
        if limits.pays_itself
        else f"**{name}** is asked at the deployment's expense: limits may be lowered, not raised."
    )
    with st.form("limits"):
        fields = {}
        for unit, heading in (("usd", "US dollars"), ("calls", "Calls")):
            columns = st.columns(3)
            for column, one in zip(columns, (one for one in limits.limits if one.unit == unit), strict=True):
                fields[one.field] = column.text_input(
                    f"{heading} a {one.period}",
                    "" if one.own is None else f"{one.own:g}",
                    placeholder=f"{one.deployment:g}",
                    help=_origin(one),
                )
        st.caption("Empty: the deployment's own limit holds, which is shown in grey.")
        if st.form_submit_button("Save limits", type="primary"):
            with told():
                changed = change_limits(viewer.scope, fields)
                done("The limits hold from the next call on." if changed else "Nothing was changed.")
                st.rerun()


def _origin(one: Limit) -> str:
    setting = f"CM\\_AI\\_{one.unit.upper()}\\_PER\\_{one.period.upper()}"
    allowed, now = _amount(one.deployment, one.unit), _amount(one.in_force, one.unit)
    return f"In force: {now}. The deployment allows {allowed} ({setting})."


def _spent(viewer: Viewer, costs: Spend) -> None:
    total = costs.total
    numbers = Numbers(
        ("Day", "US dollars", "Calls"),
        [(day, round(line.cost_usd, 4), line.calls) for day, line in costs.lines.items()],
    )
    chart = (
        alt.Chart(numbers.data(), height=220)
        .mark_bar()
        .encode(
            x=alt.X("Day:T", title=None),
            y=alt.Y("US dollars:Q", title="US dollars"),
            tooltip=["Day:T", alt.Tooltip("US dollars:Q", format=",.4f"), "Calls:Q"],
        )
    )
    figure(
        f"Spent in the last {_DAYS} days",
        f"{total.cost_usd:,.2f} US dollars for {counted(total.calls, 'call')}, by day (UTC).",
        spec(chart),
        numbers,
        key="ai-spend",
    )
    with st.expander("By model and purpose"):
        for by in (By.MODEL, By.PURPOSE):
            lines = spend(viewer.scope, days=_DAYS, by=by).lines
            text_table(
                {
                    by.value.capitalize(): list(lines),
                    "Calls": [f"{line.calls:,}" for line in lines.values()],
                    "US dollars": [f"{line.cost_usd:,.4f}" for line in lines.values()],
                },
                alt=f"US dollars and calls by {by.value}",
            )


def _searches(viewer: Viewer) -> None:
    listing = list_providers(viewer.scope)
    lines = [line for line in listing.providers if line.enabled and line.calls_a_month is not None]
    if not lines:
        return
    st.subheader("Searches", anchor=False)
    st.caption(
        f"Reckoned for {counted(listing.clients - listing.confidential, 'client')} and {listing.runs_a_day:g} runs "
        "a day. Caps of your own are set with each service."
    )
    text_table(
        {
            "Source": [line.title for line in lines],
            "Requests a month": [f"{line.calls_a_month:,}" for line in lines],
            "US dollars a month": [
                "by plan" if line.usd_a_month is None else f"{line.usd_a_month:,.2f}" for line in lines
            ],
            "Own caps": [_caps(line.options) for line in lines],
        },
        alt="What searching costs a month",
    )


def _caps(options: dict[str, object]) -> str:
    caps = [
        f"{options[f'calls_per_{span}']} a {span}"
        for span in ("day", "month")
        if f"calls_per_{span}" in options
    ]
    return ", ".join(caps) or "none"


def _amount(value: float, unit: str) -> str:
    return f"{value:,.2f} USD" if unit == "usd" else f"{value:,.0f} calls"
