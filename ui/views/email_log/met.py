"""How the tenant's mail was met, as far as it can be told without telling of persons."""

import streamlit as st

from services.engagement import FEW, Rate, rates
from services.signin import Viewer
from ui.parts.tables import text_table
from ui.views.email_log.naming import KINDS

_DAYS = 30


def how_mail_was_met(viewer: Viewer) -> None:
    """A table of the last days by kind of mail. For admins."""
    found = rates(viewer.scope, days=_DAYS)
    if not found:
        st.caption(f"No mail was sent in the last {_DAYS} days.")
        return
    text_table(
        {
            "Kind": [KINDS[rate.delivery_kind] for rate in found],
            "Mails": [f"{rate.mails:,}" for rate in found],
            "Opened": [_share(rate, "opens") for rate in found],
            "Links followed": [_share(rate, "clicks") for rate in found],
            "By machines": ["–" if rate.withheld else f"{_machines(rate):,}" for rate in found],
        },
        alt="Opens and clicks by kind of mail",
    )
    st.caption(
        f"The last {_DAYS} days, hits a mail: by people for certain, up to with those nobody can tell. Machines "
        f"(scanners, privacy proxies) are apart. Fewer than {FEW} readers: not shown. One's own mails show one's "
        "own opens and clicks, where one agreed to it; nobody sees another person's."
    )


def _share(rate: Rate, name: str) -> str:
    if rate.withheld:
        return "too few readers"
    share = Rate.share(getattr(rate, name), rate.mails)
    if share is None:
        return "–"
    least, most = share
    return f"{least:.0%}" if least == most else f"{least:.0%} to {most:.0%}"


def _machines(rate: Rate) -> int:
    return sum(
        hits for counted in (rate.opens, rate.clicks) for actor, hits in counted.items() if actor == "machine"
    )
