"""An event as a card: what happened, why it matters to this reader, what became of it, and what they can do."""

from collections.abc import Callable

import streamlit as st

from models.feedback import FeedbackVerdict
from services import feedback, marks, muting
from services.errors import UserError
from services.feed.shown import How, Marks, ShownEvent, Standing
from services.signin import Viewer
from ui import router
from ui.parts.layout import done, told
from ui.parts.verdicts import ask_verdict
from ui.parts.why import ask_why
from ui.parts.words import CATEGORY_ICONS, category, counted, plain, when

_GOOD, _BAD = 0.3, -0.3
_NOT_RELEVANT, _WRONG, _NOTE, _WHY = "Not relevant …", "Wrong company …", "Write a note", "Why do I see this?"
_MUTE, _UNMUTE, _MAIL = "Mute this client", "Unmute this client", "See the mail it was in"
_MAILS = {"instant": "at once", "daily": "in your daily digest", "weekly": "in your weekly digest"}
SAID = {
    FeedbackVerdict.USEFUL: "useful",
    FeedbackVerdict.NOT_RELEVANT: "not relevant",
    FeedbackVerdict.WRONG_COMPANY: "wrong company",
}


def event_card(viewer: Viewer, shown: ShownEvent, *, key: str, with_client: bool = True) -> None:
    """A card that reruns alone. ``key`` is unique on the page; without ``with_client`` the client goes unnamed.

    What it changes is the viewer's own: marks, verdicts, mutes. What concerns other cards too reruns the page.
    """
    _card(viewer, shown, key, with_client)


@st.fragment
def _card(viewer: Viewer, shown: ShownEvent, key: str, with_client: bool) -> None:
    if st.session_state.pop(f"{key}-changed", False):
        st.rerun()  # the page counts what is unread
    own = _newest(shown.marks, st.session_state.get(f"{key}-marks"))
    is_new = shown.is_new and own.read_at is None
    with st.container(border=True, key=key, gap="xsmall"):
        _badges(shown, is_new=is_new, is_starred=own.starred_at is not None)
        _headline(viewer, shown, with_client)
        _story(shown)
        _standing(viewer, shown)
        _said(viewer, shown, key)
        _do(viewer, shown, _actions(viewer, shown, own, key), key)
        _note(viewer, shown, own, key)
        _problem(key)


def _badges(shown: ShownEvent, *, is_new: bool, is_starred: bool) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        icon = f":material/{CATEGORY_ICONS[shown.category]}:"
        if shown.language_unsupported:
            st.badge(
                f"Language: {plain(shown.language)}",
                icon=":material/translate:",
                color="gray",
                help="Found by the client's name. We do not read this language, so it has no kind and no score.",
            )
        else:
            st.badge(category(shown.category), icon=icon, color="gray")
        if is_new:
            st.badge("New", color="blue")
        if is_starred:
            st.badge("Starred", icon=":material/star:", color="yellow")
        if shown.risk == "high":
            st.badge("High risk", icon=":material/warning:", color="red")
        if shown.sentiment >= _GOOD:
            st.badge("Good news", icon=":material/trending_up:", color="green")
        elif shown.sentiment <= _BAD:
            st.badge("Bad news", icon=":material/trending_down:", color="orange")
        if shown.is_history:
            st.badge("From before we watched", icon=":material/history:", color="gray")
        if shown.is_mock:
            st.badge("Invented sample", icon=":material/science:", color="gray")
        if shown.is_degraded:
            st.badge(
                "Judged by the rules",
                color="gray",
                help="An AI should have judged it and could not be reached, or its budget was spent.",
            )


def _headline(viewer: Viewer, shown: ShownEvent, with_client: bool) -> None:
    title = plain(shown.title) or "Untitled"
    st.markdown(f"### {f'[{title}](<{shown.url}>)' if shown.url else title}", anchors=False)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if with_client:
            router.link("client", f"**{plain(shown.client)}**", id=str(shown.client_id))
        parts = [
            _outlets(shown),
            when(shown.published_at, viewer.timezone) if shown.published_at else "date unknown",
        ]
        if not shown.language_unsupported:
            parts.append(f"relevance {shown.relevance:.2f}")
        st.caption(" · ".join(parts), width="content")


def _outlets(shown: ShownEvent) -> str:
    names = [plain(name) for name in shown.outlet_names[:3]]
    rest = shown.outlets - len(names)
    if not names:
        return counted(shown.outlets, "outlet")
    return ", ".join(names) + (f" and {counted(rest, 'other')}" if rest > 0 else "")


def _story(shown: ShownEvent) -> None:
    if shown.what_changed:
        st.markdown(f":material/update: **Update:** {plain(shown.what_changed)}")
    if shown.summary and shown.summary.casefold() != shown.title.casefold():
        st.markdown(plain(shown.summary))
    if shown.next_step:
        by = f" (by {plain(shown.advised_by)})" if shown.advised_by else ""
        meaning = f"{plain(shown.meaning)} " if shown.meaning else ""
        st.markdown(f":material/lightbulb: {meaning}**Next step{by}:** {plain(shown.next_step)}")


def _standing(viewer: Viewer, shown: ShownEvent) -> None:
    """Why it is here, how things stand with the client, and what became of it: the small print, in one piece."""
    lines = []
    if shown.reason:
        by = f" (by {plain(shown.judged_by)})" if shown.judged_by else ""
        is_quoted = not shown.evidence or shown.evidence.casefold() in shown.reason.casefold()
        evidence = "" if is_quoted else f" – “{plain(shown.evidence)}”"
        lines.append(f":material/help: **Why{by}:** {plain(shown.reason)}{evidence}")
    if shown.crm_line:
        lines.append(f":material/contacts: {plain(shown.crm_line)}")
    if shown.others:
        names = ", ".join(plain(other.client) for other in shown.others)
        lines.append(f":material/domain: Also concerns {names}")
    cover = f" You stand in for {plain(shown.stands_in_for)}." if shown.stands_in_for else ""
    lines.append(f":material/mail: {standing_words(shown.standing, viewer.timezone)}{cover}")
    st.caption("  \n".join(lines))


def standing_words(standing: Standing, zone: str) -> str:
    """How an event stands with its reader, in a sentence that is Markdown."""
    mail = _MAILS.get(standing.mail, "in a mail")
    sentence = plain(standing.sentence[:1].upper() + standing.sentence[1:])
    match standing.how:
        case How.MAILED if standing.is_dry:
            return f"Written as a file {mail}, and sent to nobody."
        case How.MAILED:
            return f"Mailed {when(standing.at, zone)} {mail}."
        case How.ON_ITS_WAY:
            return f"On its way {mail}."
        case How.WAITS if standing.mail == "instant":
            return "Waits to be mailed at once: within minutes, or when your quiet hours end."
        case How.WAITS:
            due = f"due {when(standing.at, zone)}" if standing.at else "when you are back"
            return f"Waits to come {mail}, {due}."
        case How.IN_APP:
            return "Brought to you here: your e-mail is switched off."
        case How.NOT_MAILED:
            return f"Not mailed. {sentence}." if sentence else "Not mailed."
        case How.FAILED:
            return "Could not be mailed: the email log says why."
        case How.UNKNOWN:
            return "May have been mailed: sending broke off on the way."
        case How.UNDECIDED:
            return "The next run decides whether it is mailed."
        case How.NOT_YOURS:
            return "Not weighed for your mail: you did not follow this client when it was sorted."


def _said(viewer: Viewer, shown: ShownEvent, key: str) -> None:
    for said in shown.said:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            what = f":material/rate_review: You said **{SAID[said.verdict]}**"
            effect = "" if said.verdict is FeedbackVerdict.USEFUL else f": {plain(said.effect)}"
            st.markdown(f"{what}{effect}.", width="content")
            if st.button(
                "Undo", key=f"{key}-undo-{said.feedback_id}", type="tertiary", icon=":material/undo:"
            ):
                undo_verdict(viewer, str(said.feedback_id))
    if shown.client_muted:
        st.caption(
            f":material/notifications_off: {plain(shown.client)} is muted: nothing of it is mailed to you."
        )


def _actions(viewer: Viewer, shown: ShownEvent, own: Marks, key: str) -> str | None:
    """The row of buttons; what was chosen from its menu."""
    is_read, is_starred = own.read_at is not None, own.starred_at is not None
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if shown.url:
            st.link_button(
                "Open article",
                shown.url,
                key=f"{key}-open",
                icon=":material/open_in_new:",
                on_click="ignore" if is_read else _set_read,
                args=(viewer, shown, key, True),
            )
        st.button(
            "Mark unread" if is_read else "Mark read",
            key=f"{key}-read",
            type="tertiary",
            icon=":material/mark_email_unread:" if is_read else ":material/done:",
            on_click=_set_read,
            args=(viewer, shown, key, not is_read),
        )
        st.button(
            "Unstar" if is_starred else "Star",
            key=f"{key}-star",
            type="tertiary",
            icon=":material/star:",
            on_click=_set_star,
            args=(viewer, shown, key, not is_starred),
        )
        if not any(said.verdict is FeedbackVerdict.USEFUL for said in shown.said) and st.button(
            "Useful", key=f"{key}-useful", type="tertiary", icon=":material/thumb_up:"
        ):
            _say_useful(viewer, shown)
        more = [_NOT_RELEVANT, _WRONG, _UNMUTE if shown.client_muted else _MUTE, _NOTE, _WHY]
        if shown.standing.delivery_id is not None:
            more.append(_MAIL)
        return st.menu_button("More", more, key=f"{key}-more", type="tertiary", icon=":material/more_horiz:")


def _do(viewer: Viewer, shown: ShownEvent, chosen: str | None, key: str) -> None:
    if chosen == _NOT_RELEVANT:
        ask_verdict(viewer, shown, FeedbackVerdict.NOT_RELEVANT)
    elif chosen == _WRONG:
        ask_verdict(viewer, shown, FeedbackVerdict.WRONG_COMPANY)
    elif chosen == _WHY:
        ask_why(viewer, shown)
    elif chosen == _NOTE:
        st.session_state[f"{key}-noting"] = True
    elif chosen == _MAIL:
        router.go("email_log", id=str(shown.standing.delivery_id))
    elif chosen in (_MUTE, _UNMUTE):
        _mute(viewer, shown, muted=chosen == _MUTE)


def _say_useful(viewer: Viewer, shown: ShownEvent) -> None:
    with told():
        feedback.give(viewer.scope, str(shown.event_id), FeedbackVerdict.USEFUL)
        done("Thank you: noted as useful")
        st.rerun()


def undo_verdict(viewer: Viewer, feedback_id: str) -> None:
    """Take a verdict back, say what came of it, and show the page anew."""
    with told():
        said, again = feedback.undo(viewer.scope, feedback_id)
        after = f"; {counted(again, 'item is', 'items are')} decided again" if again else ""
        if said.verdict == FeedbackVerdict.WRONG_COMPANY.value:
            after += "; the next run brings it back"
        done(f"Taken back for {said.client}{after}")
        st.rerun()


def _mute(viewer: Viewer, shown: ShownEvent, *, muted: bool) -> None:
    with told():
        changed = muting.mute(viewer.scope, shown.client_id, muted)
        items = counted(changed.items, "waiting item")
        if muted:
            after = f"; {items} will not be mailed" if changed.items else ""
            done(f"{changed.client} is muted{after}. Unmute it here or in your preferences")
        else:
            done(f"{changed.client} is no longer muted" + (f"; {items} wait again" if changed.items else ""))
        st.rerun()


def _note(viewer: Viewer, shown: ShownEvent, own: Marks, key: str) -> None:
    if not st.session_state.get(f"{key}-noting"):
        if own.note:
            st.markdown(f":material/sticky_note_2: {plain(own.note)}")
        return
    with st.form(f"{key}-note-form", border=False):
        st.text_area("Your note, seen by nobody else", own.note, max_chars=marks.MAX_NOTE, key=f"{key}-note")
        with st.container(horizontal=True):
            st.form_submit_button("Keep the note", on_click=_set_note, args=(viewer, shown, key))
            st.form_submit_button("Cancel", type="tertiary", on_click=_close_note, args=(key,))


def _set_read(viewer: Viewer, shown: ShownEvent, key: str, read: bool) -> None:
    if _mark(key, lambda: marks.set_read(viewer.scope, shown.event_ids, read)):
        st.session_state[f"{key}-changed"] = True


def _set_star(viewer: Viewer, shown: ShownEvent, key: str, starred: bool) -> None:
    _mark(key, lambda: marks.set_star(viewer.scope, shown.event_id, starred))


def _set_note(viewer: Viewer, shown: ShownEvent, key: str) -> None:
    # What was typed stays in the form until it is kept: an error costs nobody their words.
    text = st.session_state.get(f"{key}-note") or ""
    if _mark(key, lambda: marks.set_note(viewer.scope, shown.event_id, text)):
        _close_note(key)


def _close_note(key: str) -> None:
    st.session_state[f"{key}-noting"] = False
    st.session_state.pop(f"{key}-note", None)


def _mark(key: str, change: Callable[[], Marks]) -> bool:
    """Change a mark before the card is drawn again; whether it worked. What did not is said on the card."""
    try:
        st.session_state[f"{key}-marks"] = change()
    except (UserError, PermissionError) as error:
        st.session_state[f"{key}-problem"] = error
        return False
    return True


def _problem(key: str) -> None:
    problem = st.session_state.pop(f"{key}-problem", None)
    if problem is not None:
        with told():
            raise problem


def _newest(stored: Marks, changed: Marks | None) -> Marks:
    """What the page was drawn with, or what was changed on the card since."""
    if changed is None or changed.updated_at is None:
        return stored
    return changed if stored.updated_at is None or changed.updated_at >= stored.updated_at else stored
