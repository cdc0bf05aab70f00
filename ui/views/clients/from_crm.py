"""The portfolio from the CRM: read it, see what would change, then carry it out."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from models.clients import Tier
from services import crm_import
from services.crm_import import Choices, Line, Outcome, Plan
from services.crm_import.plan import said_of
from services.portfolio.crm import CrmOn, crm_on, unknown_tiers
from services.signin import Viewer
from ui.parts.layout import done, empty, heading, told
from ui.parts.words import counted, plain, words
from ui.views.client_words import OUTCOMES, tier_words

_READ, _DONE = "crm-read", "crm-imported"
_EMPTY = "Leave empty"
_TIERS = {tier_words(tier): tier for tier in Tier}
_HEIGHT = 420


def page(viewer: Viewer, *, back: Callable[[], None]) -> None:
    """The page; ``back`` leads to the table of clients."""
    if st.button("Back to the clients", icon=":material/arrow_back:", type="tertiary"):
        _forget()
        back()
    crm = crm_on(viewer.scope)
    if crm is None:
        heading("Import clients from the CRM")
        empty("No CRM is switched on", "Switch one on under Settings, Providers.", icon="contacts")
        return
    heading(
        f"Import clients from {crm.title}",
        "Accounts become clients and their owners look after them. Nothing is written before you have seen what would "
        "change.",
    )
    plan = st.session_state.get(_DONE)
    if plan is not None:
        _finished(plan, back)
        return
    st.caption(
        "What people have set here stands; other names, excluded terms, keywords and the confidential mark are never "
        "touched. Nobody who was assigned by hand loses a client."
    )
    _read(viewer, crm)
    read = st.session_state.get(_READ)
    if read is None:
        return
    provider, records = read
    choices = _choices(records)
    with told():
        plan = crm_import.preview(viewer.scope, provider, records, choices)
        _show(plan, choices)
        _offer(viewer, provider, records, choices, plan)


def _read(viewer: Viewer, crm: CrmOn) -> None:
    label = "Read it again" if _READ in st.session_state else f"Read {crm.title}"
    is_first = _READ not in st.session_state
    if not st.button(label, type="primary" if is_first else "secondary", icon=":material/sync:"):
        return
    with told(), st.status(f"Reading {plain(crm.title)} …") as status:

        def on_record(count: int) -> None:
            if count % 100 == 0:
                status.update(label=f"{counted(count, 'account')} read …")

        st.session_state[_READ] = crm_import.read_portfolio(viewer.scope, crm.name, on_record=on_record)
        status.update(label="Read", state="complete")
        st.rerun()


def _choices(records: Sequence[Any]) -> Choices:
    tiers: dict[str, Tier] = {}
    unknown = unknown_tiers(records)
    if unknown:
        st.subheader("Its words for tiers", anchor=False)
        with st.container(horizontal=True):
            for word in unknown[:12]:
                tier = st.selectbox(plain(word), [_EMPTY, *_TIERS], key=f"crm-tier-{word}", width=170)
                if tier in _TIERS:
                    tiers[word.casefold()] = _TIERS[tier]
    with st.container(horizontal=True, gap="large"):
        prefer = st.toggle("Where both have changed, take the CRM’s", key="crm-prefer")
        archive = st.toggle("Archive clients that are gone from the CRM", key="crm-archive")
    return Choices(tiers=tiers, prefer_crm=prefer, archive_missing=archive)


def _show(plan: Plan, choices: Choices) -> None:
    with st.container(horizontal=True, gap="large"):
        for outcome in Outcome:
            st.metric(OUTCOMES[outcome], f"{plan.counts[outcome]:,}", width="content")
        if plan.gone or plan.archived:
            st.metric("Gone from the CRM", f"{len(plan.gone) + len(plan.archived):,}", width="content")
    lines = [line for line in plan.lines if said_of(line)]
    if lines:
        _table(sorted(lines, key=lambda line: (line.outcome is not Outcome.REFUSED, line.name.casefold())))
    if plan.gone:
        names = ", ".join(plain(one.name) for one in plan.gone[:10])
        more = f" and {len(plan.gone) - 10:,} more" if len(plan.gone) > 10 else ""
        after = "They would be archived." if choices.archive_missing else "They stay as they are."
        st.info(f"Gone from the CRM: {names}{more}. {after}", icon=":material/person_off:")


def _table(lines: Sequence[Line]) -> None:
    cells: dict[str, list[Any]] = {"Client": [], "What": [], "Details": []}
    for line in lines:
        cells["Client"].append(line.name or line.crm_id)
        cells["What"].append([OUTCOMES[line.outcome]])
        cells["Details"].append(_details(line))
    st.dataframe(
        cells,
        hide_index=True,
        height=min(_HEIGHT, 35 * (len(lines) + 1) + 3),
        column_config={
            "Client": st.column_config.TextColumn(width=200),
            "What": st.column_config.MultiselectColumn(
                options=list(OUTCOMES.values()), color=["green", "blue", "gray", "red"], width=104
            ),
            "Details": st.column_config.TextColumn(width=600),
        },
        alt="What would become of each account",
    )


def _details(line: Line) -> str:
    told = [
        f"{words(one.field).lower()}: {one.before or 'empty'} → {one.after or 'empty'}"
        for one in line.changes
    ]
    problem = ". ".join(part for part in (line.problem, line.mend) if part)
    return "; ".join(part for part in (problem, *line.notes, *told) if part)


def _offer(viewer: Viewer, provider: str, records: Sequence[Any], choices: Choices, plan: Plan) -> None:
    would_archive = choices.archive_missing and bool(plan.gone)
    if not plan.changes_something and not would_archive:
        st.info("There is nothing to write: all is as the CRM has it.", icon=":material/check:")
        return
    count = plan.counts[Outcome.NEW] + plan.counts[Outcome.CHANGED]
    label = f"Import {counted(count, 'client')}" if count else "Archive what is gone"
    if not st.button(label, type="primary", icon=":material/upload:"):
        return
    bar = st.progress(0.0, "Importing …")

    def on_batch(number: int, of: int) -> None:
        bar.progress(number / max(of, 1), f"{number:,} of {counted(of, 'account')}")

    with told():
        st.session_state[_DONE] = crm_import.apply(
            viewer.scope, provider, records, choices, on_batch=on_batch
        )
        done("The portfolio is imported")
        st.rerun()


def _finished(plan: Plan, back: Callable[[], None]) -> None:
    counts = plan.counts
    archived = f", {len(plan.archived):,} archived" if plan.archived else ""
    st.success(
        f"{counted(counts[Outcome.NEW], 'client')} new, {counts[Outcome.CHANGED]:,} changed, "
        f"{counts[Outcome.REFUSED]:,} refused{archived}.",
        icon=":material/check_circle:",
    )
    _show(plan, Choices())
    if st.button("Go to the clients", type="primary"):
        _forget()
        back()


def _forget() -> None:
    for key in (_READ, _DONE):
        st.session_state.pop(key, None)
