"""Invented mails, so that people can see what theirs look like before there is news."""

from datetime import UTC, datetime, timedelta
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
    return Letter(
        kind=kind,
        business=business,
        recipient_name="Robin Hale",
        recipient_email="robin.hale@example.com",
        timezone="Europe/Berlin",
        at=_AT,
        sections=() if notice else _sections(1 if kind == "instant" else 2),
        more=0 if kind == "instant" or notice else 3,
        app_url=_HERE,
        preferences_url=f"{_HERE}/preferences",
        unsubscribe_url="" if notice else f"{_HERE}/unsubscribe",
        look=look,
        heading="Google News could not be read for two days" if notice else "",
        body=("The last search that succeeded was on Sunday.", "Nothing is lost: it is tried every hour.")
        if notice
        else (),
        trend=_TREND if kind == "weekly" else (),
    )


_TREND = (
    TrendRow(client="Nordwind Energy", this_week=7, last_week=3),
    TrendRow(client="Alba Foods", this_week=2, last_week=4),
    TrendRow(client="Quellhof Hotels", this_week=1, last_week=0),
)


def _sections(count: int) -> tuple[ClientSection, ...]:
    return (
        ClientSection(
            client="Nordwind Energy",
            crm_line="Strategic tier · open pipeline 240,000 EUR · renewal 30 Jun 2026 · owner Robin Hale",
            items=(
                Item(
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
                ),
            ),
        ),
        ClientSection(
            client="Alba Foods",
            crm_line="Growth tier · owner Kim Okafor",
            items=(
                Item(
                    event_id=UUID(int=2),
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
                ),
            ),
        ),
    )[:count]
