"""One outside service: what leaves the house, its options and keys, how it does, a test, and the switch."""

from collections.abc import Mapping
from datetime import datetime

import streamlit as st

from models.breakers import BreakerState
from services.providers import (
    Listing,
    Provider,
    ProviderLine,
    disable,
    enable,
    find_provider,
    recipient_with,
    try_provider,
)
from services.providers.keystate import KeyState
from services.providers.sealed import sealed_at
from services.signin import Viewer
from tasks.about import Field, KeyUse
from ui.parts.layout import done, told
from ui.parts.words import counted, day, plain, when
from ui.views.settings import providers

_KEYS = {
    KeyState.OWN: "Your own key is used.",
    KeyState.DEPLOYMENT: "The deployment's key is used, which it shares with its other businesses.",
    KeyState.NONE: "No key is needed.",
    KeyState.NEEDED: "A key is needed.",
    KeyState.UNREADABLE: "Your key is kept, and cannot be read: it was sealed with a key the deployment no longer has. "
    "Put it in again.",
}
_PEM = "PEM"
_ROUND = "provider_round"
"""Counts up once keys are stored, so that the browser forgets what was typed."""


def address(line: ProviderLine) -> str:
    """What names the service in the page's address."""
    return f"{line.kind.value}/{line.name}"


def show(viewer: Viewer, line: ProviderLine, listing: Listing) -> None:
    """The service's panel, with the way back to all of them."""
    if st.button("All services", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["provider"]
        st.rerun()
    one = find_provider(line.name, line.kind)
    with st.container(width=760):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(line.title), anchor=False, width="content")
            providers.badges(viewer, line)
        _health(viewer, line)
        _leaves(line, listing)
        _form(viewer, one, line)
        _test(viewer, line)
        if line.enabled:
            _switch_off(viewer, line)


def _health(viewer: Viewer, line: ProviderLine) -> None:
    if line.ends is not None:
        st.warning(f"Its provider shuts it down on {line.ends:%Y-%m-%d}.", icon=":material/event_busy:")
    if line.state is not BreakerState.CLOSED:
        st.warning(
            f"Left alone after {counted(line.failures, 'failure')} in a row, and asked again "
            f"{when(line.asked_again_at, viewer.timezone)}: {plain(line.last_error)}. "
            "Once you mended it, a successful test puts it back to work at once.",
            icon=":material/heart_broken:",
        )
    elif line.held_until is not None:
        st.info(
            f"It asked for a pause until {when(line.held_until, viewer.timezone)}, usually because its quota is spent. "
            "A test asks it at once.",
            icon=":material/hourglass:",
        )
    answers = []
    if line.last_ok_at is not None:
        answers.append(f"last answered {when(line.last_ok_at, viewer.timezone)}")
    if line.last_failed_at is not None:
        answers.append(f"last failed {when(line.last_failed_at, viewer.timezone)}")
    if answers:
        text = ", ".join(answers)
        st.caption(text[:1].upper() + text[1:])


def _leaves(line: ProviderLine, listing: Listing) -> None:
    with st.container(border=True):
        st.markdown("**What leaves the house**")
        st.markdown(f"To {plain(line.recipient)}: {plain(line.sends.rstrip('.'))}.")
        if line.terms:
            st.caption(f"Terms: {_terms(line.terms)}")
        st.caption(providers.costs(line))
        if listing.confidential:
            st.caption(f"Left out: {counted(listing.confidential, 'confidential client')}.")


def _terms(terms: str) -> str:
    is_address = terms.startswith("https://") and not any(
        char.isspace() or char in "()<>[]\"'" for char in terms
    )
    return f"[{plain(terms)}]({terms})" if is_address else plain(terms)


def _form(viewer: Viewer, one: Provider, line: ProviderLine) -> None:
    kept = sealed_at(viewer.scope, one)
    with st.form(f"provider_{address(line)}", clear_on_submit=False):
        st.markdown("**Settings**" if line.enabled else "**Switch it on**")
        if one.about.key is not KeyUse.NONE or line.key is not KeyState.NONE:
            st.caption(_KEYS[line.key])
        secrets = {
            field.name: _secret(viewer, field, line, kept.get(field.name)) for field in one.about.secrets
        }
        options = {field.name: _option(field, line.options.get(field.name)) for field in one.about.options}
        agreed = line.enabled or st.checkbox(
            f"I agree that {plain(one.about.title)} receives what is named above",
            key=f"agreed_{address(line)}",
        )
        if st.form_submit_button("Save" if line.enabled else "Switch on", type="primary"):
            if not agreed:
                st.error("Say that you agree first: it leaves the house.", icon=":material/error:")
                return
            with told():
                changed = _changed(line, options)
                if _is_meant(viewer, one, line, changed):
                    _switch_on(viewer, one, line, changed, secrets)


def _is_meant(viewer: Viewer, one: Provider, line: ProviderLine, changed: Mapping[str, str]) -> bool:
    """Whether it was said twice that somebody else receives what is sent: an address may be typed wrong."""
    key = f"recipient_{address(line)}"
    after = recipient_with(viewer.scope, one, changed)
    if after in (line.recipient, st.session_state.get(key)):
        return True
    st.session_state[key] = after
    st.warning(
        f"With this, what is sent goes to {plain(after)}. Nothing was stored yet: press again if that is meant.",
        icon=":material/forward_to_inbox:",
    )
    return False


def _secret(viewer: Viewer, field: Field, line: ProviderLine, since: datetime | None) -> str:
    kept = (
        f"kept, sealed {day(since, viewer.timezone)}"
        if line.key is KeyState.OWN and since is not None
        else ""
    )
    key = f"secret_{address(line)}_{field.name}_{st.session_state.get(_ROUND, 0)}"
    meant = f"{plain(field.help)}. " if field.help else ""
    help_text = f"{meant}Stored sealed, never shown again. Empty: stays as it is."
    if _PEM in field.label:
        # A key of many lines does not survive a field of one.
        given = st.file_uploader(
            f"{_label(field)} {kept}".strip(), max_upload_size=1, key=key, help=help_text
        )
        return given.getvalue().decode("utf-8", errors="replace") if given is not None else ""
    return st.text_input(
        _label(field), type="password", key=key, placeholder=kept, help=help_text, autocomplete="new-password"
    )


def _option(field: Field, stored: object) -> str:
    return st.text_input(
        _label(field), _typed(stored), help=plain(field.help) or None, key=f"option_{field.name}"
    )


def _label(field: Field) -> str:
    return f"{plain(field.label[:1].upper() + field.label[1:])}{' (needed)' if field.required else ''}"


def _typed(stored: object) -> str:
    if isinstance(stored, list | tuple):
        return ", ".join(map(str, stored))
    return "" if stored is None else str(stored)


def _changed(line: ProviderLine, typed: Mapping[str, str]) -> dict[str, str]:
    """What differs from what is stored; the rest is not sent, so that it cannot be refused."""
    return {name: text for name, text in typed.items() if text.strip() != _typed(line.options.get(name))}


def _switch_on(
    viewer: Viewer, one: Provider, line: ProviderLine, options: Mapping[str, str], secrets: Mapping[str, str]
) -> None:
    given = {name: value for name, value in secrets.items() if value.strip()}
    change = enable(viewer.scope, one.name, kind=one.kind, options=options, secrets=given)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    said = f"{line.title} is on." if change.switched else "Saved."
    if change.switched_off:
        said += f" Switched off instead: {', '.join(change.switched_off)}."
    done(said)
    st.rerun()


def _test(viewer: Viewer, line: ProviderLine) -> None:
    with st.container(border=True):
        st.markdown("**Test**")
        st.caption(
            "Asks it one real question about an invented company, never about a client. It may cost a call."
        )
        if st.button("Test it now", icon=":material/network_check:"):
            with told(), st.spinner(f"Asking {plain(line.title)} …"):
                said = try_provider(viewer.scope, line.name, kind=line.kind)
                st.success(plain(said), icon=":material/check_circle:")


def _switch_off(viewer: Viewer, line: ProviderLine) -> None:
    with st.popover("Switch off …", icon=":material/power_settings_new:"):
        st.write("It is asked nothing from the next run on. Its options stay; what it brought stays.")
        has_own = line.key in {KeyState.OWN, KeyState.UNREADABLE}
        forget = has_own and st.checkbox("Also forget your key", key=f"forget_{address(line)}")
        if st.button("Switch off", key=f"off_{address(line)}"):
            with told():
                disable(viewer.scope, line.name, kind=line.kind, forget_key=bool(forget))
                done(f"{line.title} is off." + (" Your key is forgotten." if forget else ""))
                st.rerun()
