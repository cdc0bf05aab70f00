"""Makes the world's text and addresses harmless before they reach a page or a header."""

import re
from ipaddress import IPv4Address
from urllib.parse import quote, urlsplit

MAX_URL = 2000

# Newlines of every kind, control characters and separators: each would end a header or a line of text.
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Invisible and reordering characters (bidi overrides, zero-width spaces, tags, byte-order marks,
# noncharacters) make a title read as something else. The joiners ZWJ and ZWNJ stay: scripts need them.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.?")
# What a browser would read as an IPv4 address in one of its odd notations: 127.1, 0x7f000001, 2130706433.
_NUMERIC_LABEL = re.compile(r"(?:\d+|0x[0-9a-f]*)")
_UNPRINTED = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\\\ud800-\udfff]")
_PATH_SAFE = "/%:@!$&()*+,;=~-._'?"


def clean(text: str, limit: int = 300) -> str:
    """One line of at most ``limit`` characters, without control, hidden or reordering characters."""
    # The slice keeps a megabyte of headline from being searched; the factor leaves room for what is dropped.
    text = _HIDDEN.sub("", _SURROGATE.sub("\ufffd", text[: limit * 4]))
    return clip(_BLANK.sub(" ", text).strip(), limit)


def clip(text: str, limit: int) -> str:
    """``text`` cut at a word so that it has at most ``limit`` characters, the ellipsis included."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    if not text[limit - 1].isspace():
        # A word longer than half the room is cut within, or next to nothing would be left.
        space = head.rfind(" ")
        if space >= limit // 2:
            head = head[:space]
    return head.rstrip(" ,;:·-–—\u200c\u200d") + "…"


def safe_url(url: str | None) -> str | None:
    """The address as plain ASCII if it may become a link, else None.

    Only http and https, with a host in ASCII (names in other scripts arrive as ``xn--``), without
    credentials, control characters, blanks or backslashes, and at most `MAX_URL` characters.
    """
    if not url:
        return None
    url = url.strip(" ")
    if len(url) > MAX_URL or _UNPRINTED.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or not _real_host(host):
        return None
    # Rebuilt from its parts, so that the reader's client cannot see other borders in it than we did.
    link = f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
    link += quote(parts.path, safe=_PATH_SAFE) or "/"
    if parts.query:
        link += "?" + quote(parts.query, safe=_PATH_SAFE + "[]")
    if parts.fragment:
        link += "#" + quote(parts.fragment, safe=_PATH_SAFE)
    return link if len(link) <= MAX_URL else None


def _real_host(host: str) -> bool:
    if len(host) > 253 or not _HOST.fullmatch(host):
        return False
    if not _NUMERIC_LABEL.fullmatch(host.rstrip(".").rsplit(".", 1)[-1]):
        return True
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
