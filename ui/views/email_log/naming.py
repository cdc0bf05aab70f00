"""How states, kinds and steps of mails are called, and the signs they have."""

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from models.mail import Channel, DeliveryKind, DeliveryState
from services.email_log import MailLine
from services.email_log.detail import What

Colour = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown."""

    label: str
    icon: str
    colour: Colour
    meaning: str


STATES = {
    DeliveryState.SENT: Sign("Sent", "check", "green", "Its server accepted it"),
    DeliveryState.INTENT: Sign("Planned", "schedule", "blue", "It goes out when it is due"),
    DeliveryState.TRANSMITTING: Sign("Sending", "sync", "blue", "It is being handed over"),
    DeliveryState.FAILED: Sign("Failed", "error", "red", "It was not sent, and is not tried again by itself"),
    DeliveryState.UNKNOWN: Sign(
        "Fate unknown", "help", "orange", "It was cut off while it was sent: nobody knows whether it arrived"
    ),
    DeliveryState.EMPTY: Sign(
        "Nothing to say", "do_not_disturb_on", "gray", "Nothing in it qualified any more, so no mail went out"
    ),
    DeliveryState.COALESCED: Sign(
        "In a later one",
        "low_priority",
        "gray",
        "Its time passed while we were down; a later mail has its items",
    ),
}
KINDS = {
    DeliveryKind.EVENT: "Instant",
    DeliveryKind.DIGEST: "Digest",
    DeliveryKind.ALERT: "Alert",
    DeliveryKind.SYSTEM: "Account",
}
WHAT = {
    What.PLANNED: ("schedule", "Planned"),
    What.ATTEMPT: ("error", "An attempt did not get it away"),
    What.SENT: ("check", "Sent"),
    What.DELIVERED: ("mark_email_read", "Delivered"),
    What.DEFERRED: ("hourglass_top", "Put off by the reader's server"),
    What.SOFT_BOUNCE: ("undo", "Came back, for now"),
    What.HARD_BOUNCE: ("block", "Came back: the address takes no mail"),
    What.COMPLAINT: ("report", "Its reader called it spam"),
    What.UNSUBSCRIBE: ("unsubscribe", "Its reader unsubscribed"),
    What.OPEN: ("visibility", "Opened"),
    What.CLICK: ("ads_click", "A link was followed"),
    What.RETRIED: ("restart_alt", "Sent again"),
    What.RESOLVED: ("gavel", "Its fate was decided"),
    What.READ: ("manage_search", "Read in this log"),
    What.NEXT: ("schedule_send", "Next attempt"),
}


def state_badge(line: MailLine) -> None:
    """The state of a mail, and that it is a file where it is no mail."""
    sign = STATES[line.state]
    st.badge(sign.label, icon=f":material/{sign.icon}:", color=sign.colour, help=sign.meaning)
    if line.channel is Channel.FILE:
        st.badge(
            "File",
            icon=":material/draft:",
            color="gray",
            help="Of a run that mails nobody: written into a folder",
        )
