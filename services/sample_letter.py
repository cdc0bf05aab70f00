"""Invented mails, so that people can see what theirs look like before there is news."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tasks.notify.letter import ClientSection, Item, ItemLinks, Kind, Letter, Look, TrendRow

_AT = datetime(2026, 3, 10, 7, 0, tzinfo=UTC)
_HERE = "https://monitor.example.com"
_LINKS = ItemLinks(
    useful=f"{_HERE}/useful",
    not_relevant=f"{_HERE}/not-relevant",
    wrong_company=f"{_HERE}/wrong-company",
    mute=f"{_HERE}/mute",
)


def sample_letter(kind: Kind, business: str, look: Look) -> Letter:
    """A mail of that kind about companies that do not exist."""
    notice = kind in ("alert", "system")
    said: dict[str, Any] = {}
    if kind == "alert":
        said = _ALERT
    elif kind == "system":
        said = _invitation(business)
    return Letter(
        kind=kind,
        business=business,
        recipient_name="Robin Hale",
        recipient_email="robin.hale@example.com",
        timezone="Europe/Berlin",
        at=_AT,
        sections=() if notice else _sections(is_instant=kind == "instant"),
        more=0 if kind == "instant" or notice else 3,
        app_url=_HERE,
        preferences_url=f"{_HERE}/preferences",
        unsubscribe_url="" if notice else f"{_HERE}/unsubscribe",
        look=look,
        trend=_TREND if kind == "weekly" else (),
        **said,
    )


_ALERT: dict[str, Any] = {
    "heading": "Source down: google_news",
    "body": (
        "Google News has answered none of the last 12 requests: 503 Service Unavailable.",
        "Noticed 2026-03-10 06:40 CET.",
        "What to do: mend what the error says, then ask it again with client-monitor providers test google_news.",
        "Nothing is lost meanwhile: the other sources are read, and this one is asked again every hour.",
    ),
    "action": ("What to do", f"{_HERE}/runbook#source-down"),
}


def _invitation(business: str) -> dict[str, Any]:
    return {
        "heading": f"Your invitation to Client Monitor at {business}",
        "body": (
            f"Kim Okafor has invited you to {business}'s Client Monitor: news about your clients, checked, and "
            "mailed once.",
            "Choose a password to begin. The link works once, for 14 days.",
        ),
        "action": ("Accept the invitation", f"{_HERE}/invitation"),
    }


_TREND = (
    TrendRow(client="Nordwind Energy", this_week=7, last_week=3),
    TrendRow(client="Alba Foods", this_week=2, last_week=4),
    TrendRow(client="Quellhof Hotels", this_week=1, last_week=1),
)
_STEPS_DOWN = Item(
    event_id=UUID(int=1),
    title="Nordwind Energy chief executive steps down after nine years",
    url="https://news.example.com/nordwind",
    source="Example Wire",
    outlets=5,
    category="leadership_change",
    relevance=0.86,
    reason="names Nordwind Energy in the headline and says who leaves",
    summary="The supervisory board named the head of its grid business as interim chief.",
    action="Ask who signs renewals until a successor is named.",
    published_at=_AT - timedelta(hours=9),
    links=_LINKS,
)
_DATA_THEFT = Item(
    event_id=UUID(int=2),
    title="Billing provider of Nordwind Energy reports theft of customer data",
    url="https://news.example.com/nordwind-data",
    source="Example Security Review",
    outlets=3,
    category="security_incident",
    relevance=0.8,
    reason="names Nordwind Energy as concerned; a security incident counts as high risk",
    summary="Names and bank details of 40,000 customers were copied. The regulator has been told.",
    action="Call before they call you: ask whether our systems share data with the provider.",
    risk="high",
    published_at=_AT - timedelta(hours=14),
    links=_LINKS,
)
_BAKERY = Item(
    event_id=UUID(int=3),
    title="Alba Foods buys a rival bakery for 40 million euros",
    url="https://news.example.com/alba",
    source="Example Times",
    outlets=2,
    category="acquisition",
    relevance=0.74,
    reason="names Alba Foods as the buyer",
    what_changed="new figure: 40 million",
    published_at=_AT - timedelta(hours=20),
    also_concerns=("Quellhof Hotels",),
    links=_LINKS,
)
_RESORTS = Item(
    event_id=UUID(int=4),
    title="Quellhof Hotels takes over eleven seaside resorts in three countries and plans to hire six hundred "
    "people before the summer season",
    url="https://news.example.com/quellhof",
    source="Example Hospitality",
    outlets=1,
    category="expansion",
    relevance=0.66,
    reason="names Quellhof Hotels in the headline",
    summary="The leases run for fifteen years; the first houses reopen in May.",
    published_at=_AT - timedelta(days=3),
    is_late=True,
    links=_LINKS,
)


def _sections(*, is_instant: bool) -> tuple[ClientSection, ...]:
    nordwind = ClientSection(
        client="Nordwind Energy",
        crm_line="Strategic tier · open pipeline 240,000 EUR · renewal 30 Jun 2026 · owner Robin Hale",
        items=(_STEPS_DOWN,) if is_instant else (_STEPS_DOWN, _DATA_THEFT),
    )
    if is_instant:
        return (nordwind,)
    return (
        nordwind,
        ClientSection(
            client="Alba Foods", crm_line="Growth tier · owner Kim Okafor", items=(_BAKERY,), more=2
        ),
        ClientSection(client="Quellhof Hotels", crm_line="Growth tier · health: at risk", items=(_RESORTS,)),
    )
