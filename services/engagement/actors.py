"""Who caused a raw hit, told by documented rules; the first that applies decides. Pure.

1. *machine*: a HEAD request; a prefetch the browser announces; a scanner, crawler or program by its User-Agent, or
   the provider's own word for it; a hit before the mail was sent or within ``FIRST_SECONDS`` of it.
2. *unknown*: an image proxy that fetches for people and for itself alike; a network the operator named as a mail
   gateway's; a User-Agent that is missing or no browser's or mail program's.
3. *human*: the rest.

Two different links of one mail within a second are a machine's too; that takes memory, see ``memory``.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address

from models.returns import Actor, ReturnKind

FIRST_SECONDS = timedelta(seconds=10)
"""Gateways look at a mail before its reader can: within moments of its arrival."""

# Apple Mail Privacy Protection fetches every image of every mail, read or not; this is its whole User-Agent.
_APPLE_PRIVACY = "Mozilla/5.0"
_MACHINES = re.compile(
    r"safelinks|bingpreview|skypeuripreview|microsoft defender|office365 atp"  # Microsoft's scanners
    r"|mimecast|proofpoint|urldefense|barracuda|messagelabs|symantec|ironport|cisco|sophos|trend ?micro|fortinet"
    r"|forti(?:mail|sandbox)|fireeye|trellix|zscaler|avanan|check ?point|cloudmark|vade|hornetsecurity|darktrace"
    r"|mailguard|spamtitan|libra esva|retarus|forcepoint|websense|mcafee|kaspersky|bitdefender"
    r"|safebrowsing|virustotal|urlscan|phish"
    r"|bot\b|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|telegram|headless|phantomjs|lighthouse"
    r"|curl/|wget|python|httpx|aiohttp|go-http|java/|okhttp|libwww|apache-httpclient|node-fetch|axios|undici|guzzle"
    r"|ruby|perl|scrapy",
    re.IGNORECASE,
)
# Image proxies: Gmail's fetches when a person opens a mail, and at other times too; others likewise.
_PROXIES = re.compile(
    r"googleimageproxy|ggpht\.com|yahoomailproxy|outlookimageproxy|duckduckgo|proton", re.IGNORECASE
)
# What browsers and mail programs say of the system they run on.
_PEOPLE = re.compile(
    r"mozilla/[45]\.0 \((?:windows|macintosh|x11|iphone|ipad|linux|android|compatible; ms-office)"
    r"|microsoft outlook|microsoft office|thunderbird|outlook-(?:ios|android)|airmail|opera",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a pixel or a tracked link, or a provider's report of one."""

    kind: ReturnKind
    at: datetime
    link: str
    """What was asked for: two hits with the same are the same link."""
    source: str = "web"
    target: str = ""
    """Where a click leads."""
    user_agent: str = ""
    address: str = field(default="", repr=False)
    """The client's IP address: looked at here, stored nowhere."""
    is_head: bool = False
    is_prefetch: bool = False
    told_machine: bool = False
    """A provider that knows said so."""


def classify(
    hit: Hit, sent_at: datetime | None, gateways: tuple[IPv4Network | IPv6Network, ...] = ()
) -> Actor:
    """Who caused the hit. ``sent_at`` None: sending had not been settled yet."""
    agent = hit.user_agent.strip()
    if (
        hit.is_head
        or hit.is_prefetch
        or hit.told_machine
        or agent == _APPLE_PRIVACY
        or _MACHINES.search(agent)
    ):
        return Actor.MACHINE
    if sent_at is None or hit.at < sent_at + FIRST_SECONDS:
        return Actor.MACHINE
    if _PROXIES.search(agent) or _is_in(hit.address, gateways) or not _PEOPLE.search(agent):
        return Actor.UNKNOWN
    return Actor.HUMAN


def _is_in(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(ip in network for network in networks)
