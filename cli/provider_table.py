"""How providers are listed at a terminal."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from cli.output import note, out, say, warn

if TYPE_CHECKING:
    from services.providers import Listing, ProviderLine


_STATES = {
    "closed": Text("ok"),
    "open": Text("left alone", style="yellow"),
    "half_open": Text("being tried", style="yellow"),
}


def show_listing(listing: "Listing") -> None:
    """The providers as a table, what each kind of them is sent, and what needs somebody's eye."""
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("", "name"):
        table.add_column(column, no_wrap=True)
    table.add_column("key", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("calls a month", justify="right")
    table.add_column("USD a month", justify="right")
    for line in listing.providers:
        table.add_row(
            Text("on" if line.enabled else "off", style="green" if line.enabled else "dim"),
            Text(line.name),
            _key(line),
            _STATES[line.state.value],
            "" if line.calls_a_month is None else f"{line.calls_a_month:,}",
            _cost(line),
        )
    out.print(table)
    say("Who receives what", style="bold")
    sent: dict[str, list[str]] = {}
    for line in listing.providers:
        whose = f"{line.name} ({line.recipient})" if line.recipient else line.name
        sent.setdefault(line.sends, []).append(whose)
    for sends, names in sent.items():
        say(f"  {', '.join(names)}: {sends}")
    confidential = (
        f", {listing.confidential} of them confidential and not counted" if listing.confidential else ""
    )
    say(f"reckoned for {listing.clients} clients{confidential} and {listing.runs_a_day:g} runs a day")
    for line in listing.providers:
        if line.state != "closed" or line.held_until or (line.enabled and (line.missing or line.ends)):
            warn(f"{line.name}: {_trouble(line)}")
    sources = [line for line in listing.providers if line.kind.value == "source"]
    if sources and not any(line.enabled for line in sources):
        note("no source is on: client-monitor providers enable google_news")


def _key(line: "ProviderLine") -> Text:
    if line.missing:
        more = " …" if len(line.missing) > 1 else ""
        return Text(f"needs {line.missing[0]}{more}", style="yellow")
    return Text(line.key.value, style="yellow" if line.key == "unreadable" else "")


def _cost(line: "ProviderLine") -> str:
    if line.usd_a_month is not None:
        return f"{line.usd_a_month:,.2f}"
    return "beyond its free plan" if line.beyond_free else ""


def _trouble(line: "ProviderLine") -> str:
    said = []
    if line.state != "closed":
        until = f" until {line.asked_again_at:%Y-%m-%d %H:%M} UTC" if line.asked_again_at else ""
        said.append(f"left alone{until} after {line.failures} failures in a row ({line.last_error})")
    if line.held_until:
        said.append(
            f"asked for a pause until {line.held_until:%Y-%m-%d %H:%M} UTC; providers test asks it at once"
        )
    if line.missing:
        said.append(f"is on and lacks {', '.join(line.missing)}")
    if line.ends:
        said.append(f"ends on {line.ends}")
    return "; ".join(said)
