"""Charts in the theme's colours, each with its measure, what it says in words, and the numbers behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import Any, ParamSpec

import altair as alt
import streamlit as st
from altair.utils.schemapi import debug_mode

from services.csvout import csv_bytes

Chart = dict[str, Any]
"""A Vega-Lite specification."""
_Given = ParamSpec("_Given")
HEIGHT = 300
_BAR_HEIGHT = 26
_GREY, _LIMIT = "#6f7b88", "#d55e00"
"""What the theme does not colour; readable on light and dark."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A table: its columns' names, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def table(self) -> dict[str, list[object]]:
        """The columns, for a table."""
        return {name: [row[place] for row in self.rows] for place, name in enumerate(self.columns)}

    def data(self, order: Sequence[str] = (), of: str = "") -> alt.InlineData:
        """The rows, for a chart; with the ``rank`` that the value of column ``of`` has in ``order``."""
        rank = {name: place for place, name in enumerate(order)}
        told = [
            {name: _plain(value) for name, value in zip(self.columns, row, strict=True)} for row in self.rows
        ]
        return alt.InlineData(values=[{**row, "rank": rank.get(str(row.get(of)), 0)} for row in told])


def figure(title: str, said: str, chart: Chart | None, numbers: Numbers, *, key: str) -> None:
    """A chart with its heading ``title``, ``said`` in a sentence (both Markdown), and its numbers to look at and to
    keep. Without a chart the sentence stands alone."""
    with st.container(border=True, key=key):
        st.subheader(title, anchor=False)
        st.caption(said)
        if chart is None:
            return
        st.vega_lite_chart(chart, width="stretch", alt=f"{title}. {said}")
        with st.expander("The numbers"):
            st.dataframe(numbers.table(), hide_index=True, alt=f"{title}: the numbers")
            st.download_button(
                "CSV",
                data=csv_bytes(numbers.columns, numbers.rows),
                file_name=f"{key}.csv",
                mime="text/csv",
                icon=":material/download:",
                key=f"{key}-csv",
                on_click="ignore",
            )


def spec(chart: Any) -> Chart:
    """An Altair chart as ``figure`` takes it, unchecked."""
    with debug_mode(False):
        found: Chart = chart.to_dict(validate=False)
    return found


def _drawn(draw: Callable[_Given, Any]) -> Callable[_Given, Chart]:
    """What Altair makes of it, unchecked: its checks cost as much as all the rest of a page of charts."""

    @wraps(draw)
    def drawing(*given: _Given.args, **named: _Given.kwargs) -> Chart:
        with debug_mode(False):
            return spec(draw(*given, **named))

    return drawing


@_drawn
def stacked(numbers: Numbers, *, x: str, y: str, colour: str, order: Sequence[str]) -> Any:
    """Bars over time, divided by ``colour``, whose values are ``order`` from the ground up."""
    return (
        alt.Chart(numbers.data(order, colour), height=HEIGHT)
        .mark_bar()
        .encode(
            x=_time(x),
            y=alt.Y(f"{y}:Q", title=None, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(f"{colour}:N", title=None, sort=list(order), legend=_LEGEND),
            order=alt.Order("rank:Q"),
            tooltip=[alt.Tooltip(f"{x}:T", title=x), f"{colour}:N", alt.Tooltip(f"{y}:Q", format=",")],
        )
    )


@_drawn
def line(numbers: Numbers, *, x: str, y: str) -> Any:
    """A share (0 to 1) by week, as a line with a gap where there is none."""
    return (
        alt.Chart(numbers.data(), height=HEIGHT)
        .mark_line(point=True)
        .encode(
            x=_time(x),
            y=alt.Y(f"{y}:Q", title=None, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            tooltip=[alt.Tooltip(f"{x}:T", title=x), alt.Tooltip(f"{y}:Q", format=".0%")],
        )
    )


@_drawn
def daily(numbers: Numbers, *, x: str, y: str, limit: float | None) -> Any:
    """Dollars a day as bars, under the line of what is allowed."""
    bars = (
        alt.Chart(numbers.data(), height=HEIGHT)
        .mark_bar()
        .encode(
            x=_time(x),
            y=alt.Y(f"{y}:Q", title=None, axis=alt.Axis(format="$,.2f")),
            tooltip=[alt.Tooltip(f"{x}:T", title=x), alt.Tooltip(f"{y}:Q", format="$,.4f")],
        )
    )
    return bars if limit is None else alt.layer(bars, _rule(limit)).properties(height=HEIGHT)


@_drawn
def ranked(numbers: Numbers, *, name: str, value: str, colour: str = "", order: Sequence[str] = ()) -> Any:
    """Lying bars, one a name, in the order of the rows; divided by ``colour`` or else with their value beside them."""
    names = list(dict.fromkeys(str(one) for one in numbers.table()[name]))
    base = alt.Chart(numbers.data(), height=_BAR_HEIGHT * max(len(names), 2) + 40).encode(
        x=alt.X(f"{value}:Q", title=None, axis=alt.Axis(tickMinStep=1, format="~s")),
        y=alt.Y(f"{name}:N", title=None, sort=names, axis=alt.Axis(labelLimit=130)),
        tooltip=[f"{name}:N", *([f"{colour}:N"] if colour else []), alt.Tooltip(f"{value}:Q", format=",")],
    )
    if colour:
        return base.mark_bar().encode(
            color=alt.Color(f"{colour}:N", title=None, sort=list(order), legend=_LEGEND)
        )
    told = base.mark_text(align="left", dx=4, color=_GREY).encode(text=alt.Text(f"{value}:Q", format=","))
    return alt.layer(base.mark_bar(), told)


_LEGEND = alt.Legend(orient="bottom", columns=3, labelLimit=140)


def _time(name: str) -> Any:
    # Ordinal: every day or week has a bar of the same width. In UTC, as the days themselves are.
    axis = alt.Axis(format="%-d %b", labelOverlap="greedy", labelAngle=0)
    return alt.X(f"utcyearmonthdate({name}):O", title=None, axis=axis)


def _rule(at: float) -> Any:
    rule = alt.Chart(alt.InlineData(values=[{"at": at}])).mark_rule(
        strokeDash=[4, 3], strokeWidth=2, color=_LIMIT
    )
    return rule.encode(y="at:Q")


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
