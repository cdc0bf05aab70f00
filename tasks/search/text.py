"""Text from outside, made safe to keep: no HTML, no control characters, no endless length."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

TITLE_MAX = 1_000
SNIPPET_MAX = 4_000
SOURCE_MAX = 200
URL_MAX = 4_000

# PostgreSQL's JSONB refuses NUL and lone surrogates; the rest are invisible and only spoil comparison.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
_UNCLEAN = re.compile(_UNWANTED.pattern[:-1] + r"|\s{2}|[^\S ]|^\s|\s$")
_TAG = re.compile(r"<[a-zA-Z!/?]")
_SECRET_NAME = re.compile(r"key|token|secret|passw|auth|sig|credential|session", re.IGNORECASE)
_DROPPED = {"script", "style", "head", "template", "iframe"}
_VOID_OF_TEXT = {"br", "p", "div", "li", "td", "tr", "ol", "ul", "h1", "h2", "h3", "h4", "blockquote", "font"}


def clean(text: str, limit: int) -> str:
    """One line without control characters and doubled spaces, at most ``limit`` characters."""
    if _UNCLEAN.search(text):
        text = _SPACES.sub(" ", _UNWANTED.sub(" ", text)).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.dropped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.dropped += 1
        elif tag in _VOID_OF_TEXT:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self.dropped = max(0, self.dropped - 1)
        elif tag in _VOID_OF_TEXT:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.dropped:
            self.parts.append(data)


def plain(html: str, limit: int) -> str:
    """The words of a piece of HTML (feeds also send it escaped twice), cleaned."""
    html = html[: limit * 20]
    if _TAG.search(html):
        parser = _Text()
        parser.feed(html)
        parser.close()
        html = "".join(parser.parts)
    elif "&" in html:
        html = unescape(html)
    return clean(html, limit)


def web_address(value: object) -> str | None:
    """An http(s) address without credentials, or None: javascript:, file: and the like never get further."""
    if not isinstance(value, str):
        return None
    text = _UNWANTED.sub("", value).strip()
    if not text or len(text) > URL_MAX:
        return None
    try:
        parts = urlsplit(text)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            return None
    except ValueError:
        return None
    if "@" in parts.netloc:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        return urlunsplit(parts)
    return text


def safe_url(address: str) -> str:
    """An address for eyes and logs: without user name and password, secret-looking parameters starred."""
    try:
        parts = urlsplit(address)
        netloc = parts.netloc.rpartition("@")[2]
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "an address that cannot be read"
    query = parts.query
    if any(_SECRET_NAME.search(name) for name, _ in pairs):
        query = "&".join(
            f"{quote(name)}={'***' if _SECRET_NAME.search(name) else quote(value)}" for name, value in pairs
        )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))
