"""The addresses one mail carries: what its reader can do with a click, and where its articles are.

Pure: a delivery always has the same links, so a mail that is written again after a crash is the same mail. The web
service (``web/``) answers them under ``PREFIX``; without it a mail still reads, and where nothing is tracked its
article links lead straight to the publishers.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from models.mail import Channel, Delivery
from models.settings import Settings
from models.tokens import Purpose, Tokens, tokens_of
from tasks.notify.safe import safe_url

PREFIX = "/web"
"""Where the web service is mounted below CM_PUBLIC_URL."""
NOT_SENT = "/not-sent"
"""Where every link of a mail that was written as a file and never sent leads: a page that says so.

Nobody got such a mail, so nobody may act in its reader's name; and a replay writes the same bytes each time.
"""


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one mail to one recipient."""

    tokens: Tokens
    public_url: str
    """Without a slash at its end."""
    delivery_id: UUID
    recipient: str
    tracking: bool = False
    """Whether the tenant has opens and clicks counted. Over plain http nothing is tracked, whatever this says."""
    is_sent: bool = True
    """False: a dry run's mail, whose links do nothing."""

    @classmethod
    def of(
        cls, settings: Settings, delivery: Delivery, *, tracking: bool, tokens: Tokens | None = None
    ) -> "Links":
        """The links of a delivery. ``tracking`` is its tenant's ``tracking_enabled``."""
        return cls(
            tokens=tokens or tokens_of(settings),
            public_url=settings.public_url.rstrip("/"),
            delivery_id=delivery.id,
            recipient=delivery.recipient,
            tracking=tracking,
            is_sent=delivery.channel is not Channel.FILE,
        )

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read them: tracking and one-click unsubscribing need https."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def unsubscribe(self) -> str:
        """A page with a button; a POST of RFC 8058 to the same address needs none."""
        return self._link(Purpose.UNSUBSCRIBE)

    @property
    def preferences(self) -> str:
        """A page of what this person gets by mail, to stop and resume, without logging in."""
        return self._link(Purpose.PREFERENCES)

    def useful(self, event_id: UUID) -> str:
        return self._link(Purpose.USEFUL, event_id.bytes)

    def not_relevant(self, event_id: UUID) -> str:
        return self._link(Purpose.NOT_RELEVANT, event_id.bytes)

    def wrong_company(self, event_id: UUID) -> str:
        return self._link(Purpose.WRONG_COMPANY, event_id.bytes)

    def mute(self, client_id: UUID) -> str:
        return self._link(Purpose.MUTE, client_id.bytes)

    def article(self, url: str | None) -> str | None:
        """The article's address, or where tracking is on ours that leads there; None when it may not be a link."""
        safe = safe_url(url)
        if safe is None or not self._tracked:
            return safe
        return self._link(Purpose.READ, safe.encode("ascii"))

    @property
    def pixel(self) -> str | None:
        """An image of one transparent point that tells us of an open; None where nothing is tracked."""
        return f"{self._link(Purpose.OPEN)}.gif" if self._tracked else None

    @property
    def _tracked(self) -> bool:
        return self.tracking and self.is_private and self.is_sent

    def _link(self, purpose: Purpose, about: bytes = b"") -> str:
        if not self.is_sent:
            return f"{self.public_url}{PREFIX}{NOT_SENT}"
        token = self.tokens.issue(purpose, self.delivery_id, self.recipient, about)
        return f"{self.public_url}{PREFIX}/{purpose.value}/{token}"


def unsubscribe_headers(links: Links) -> dict[str, str]:
    """RFC 2369's List-Unsubscribe, and RFC 8058's List-Unsubscribe-Post where the address is https.

    RFC 8058 allows one-click over https alone; DKIM must sign both headers.
    """
    headers = {"List-Unsubscribe": f"<{links.unsubscribe}>"}
    if links.is_private:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
