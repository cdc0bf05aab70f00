"""The identity of an article's address, and the publisher behind it.

Pure string work. The Public Suffix List is the copy bundled with tldextract: nothing here reaches the network.
"""

import re
import string
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import tldextract

__all__ = ["canonical_url", "identifies_article", "publisher"]

_suffixes: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

# Prefix labels that name a rendering of the same page, not another site.
_RENDERINGS: Final = frozenset({"www", "www2", "m", "mobile", "amp"})
_TRACKING_PREFIXES: Final = ("utm_", "mc_", "at_", "ns_", "guce_", "hsa_", "pk_", "mtm_", "_hs", "oly_")
_TRACKING: Final = frozenset(
    """
    gclid gclsrc gbraid wbraid dclid fbclid msclkid yclid twclid ttclid igshid igsh li_fat_id srsltid
    cmpid cmp campaign_id campaignid ncid ocid icid cid_source smid smtyp ref ref_src ref_url referrer referer
    reflink guccounter soc_src soc_trk srnd sref taid tpcc xtor wt.mc_id wt.mc_ev __twitter_impression
    hsctatracking mkt_tok vero_id vero_conv trk trkinfo trkcampaign spm cndid esrc mod ito mbid leadsource cvid
    unlocked_article_code giftcopy share sharetype traffic_source dicbo ftag ftcamp source_campaign rss
    amp outputtype usqp amp_js_v amp_gsa amp_ct amp_kit _ga _gl _amp
    """.split()
)
# Parameters that only track when they have these values; otherwise they may name the article.
_TRACKING_VALUES: Final = {
    "view": frozenset({"amp"}),
    "output": frozenset({"amp"}),
    "source": frozenset({"rss", "feed", "email", "newsletter", "twitter", "facebook", "linkedin"}),
    "src": frozenset({"rss", "feed", "email", "newsletter", "twitter", "facebook", "linkedin"}),
    "via": frozenset({"rss", "email", "twitter"}),
}
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_AMP_VIEWER: Final = re.compile(r"^/amp/(s/)?(?=[^/]+\.)")
_AMP_CACHE: Final = re.compile(r"^/[a-z]{1,3}/(s/)?(?=[^/]+\.)")
_AGGREGATORS: Final = frozenset({"news.google.com"})
_MAX_UNWRAPS: Final = 5


@lru_cache(maxsize=8192)
def canonical_url(url: str) -> str | None:
    """The one address under which an article is known, or None for what is not http(s) or has no host.

    The result is https, lower-case in its host, without credentials, default port, `www.`, mobile and AMP
    renderings, tracking parameters, fragment and trailing slash; its query is sorted. Parameters that may name
    the article stay. Idempotent.
    """
    address: str | None = url
    for _ in range(_MAX_UNWRAPS):
        if address is None:
            return None
        inner = _unwrap(address)
        if inner is None:
            return _normalise(address)
        address = inner
    return None


def identifies_article(canonical: str) -> bool:
    """Whether a canonical URL names more than a publisher's front page."""
    parts = urlsplit(canonical)
    return bool(parts.path.strip("/") or parts.query)


@lru_cache(maxsize=65_536)
def publisher(url: str | None, source: str | None) -> str:
    """The publisher's family: the registrable domain of `url`, else of a `source` that looks like one, else the
    source's name in lower case without punctuation; "" when nothing is known."""
    host = _host(url) if url else None
    if host and host not in _AGGREGATORS:
        return _registrable(host) or host
    name = (source or "").strip().lower()
    if "." in name and " " not in name:
        domain = _registrable(name)
        if domain:
            return domain
    words = re.findall(r"[^\W_]+", name)
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url.strip()).hostname
    except ValueError:
        return None


@lru_cache(maxsize=65_536)
def _registrable(host: str) -> str:
    return _suffixes.extract_str(host).top_domain_under_public_suffix


@lru_cache(maxsize=65_536)
def _site(host: str) -> str | None:
    """The host without trailing dots and rendering labels; never shortened below its registrable domain."""
    host = host.rstrip(".").lower()
    if not host:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if any(c in host for c in " <>\"'\\^`{|}%/?#@"):
        return None
    if ":" in host:
        return f"[{host}]"
    floor = _registrable(host).count(".") + 1
    labels = host.split(".")
    while len(labels) > max(floor, 2) and labels[0] in _RENDERINGS:
        labels = labels[1:]
    return ".".join(labels)


def _unwrap(url: str) -> str | None:
    """The publisher's own address inside an AMP cache, an AMP viewer or a search engine's redirect."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    match = None
    if host.endswith(".cdn.ampproject.org") or host == "cdn.ampproject.org":
        match = _AMP_CACHE.match(parts.path)
    elif _registrable(host).split(".")[0] in {"google", "bing"}:
        match = _AMP_VIEWER.match(parts.path)
        if match is None and parts.path == "/url":
            query = dict(parse_qsl(parts.query))
            target = query.get("url") or query.get("q") or ""
            return target if target.startswith(("http://", "https://")) else None
    if match is None:
        return None
    rest = parts.path[match.end() :]
    return f"https://{rest}" + (f"?{parts.query}" if parts.query else "")


def _normalise(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        site = _site(parts.hostname or "")
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or site is None:
        return None
    where = site if port in {None, 80, 443} else f"{site}:{port}"
    query = _query(parts.query)
    return f"https://{where}{_path(parts.path)}" + (f"?{query}" if query else "")


def _path(path: str) -> str:
    def unescape(match: re.Match[str]) -> str:
        character = chr(int(match.group(1), 16))
        return character if character in _UNRESERVED else match.group(0).upper()

    clean = quote(_ESCAPE.sub(unescape, path), safe="/%:@!$&'()*+,;=-._~")
    segments = [s for s in clean.split("/") if s]
    while len(segments) > 1 and segments[-1].lower() == "amp":
        segments.pop()
    while len(segments) > 1 and segments[0].lower() == "amp":
        segments.pop(0)
    if segments:
        last = re.sub(r"(?:\.amp)+(?=(?:\.s?html?)?$)", "", segments[-1], flags=re.IGNORECASE)
        segments[-1] = last or segments[-1]
    return "".join(f"/{s}" for s in segments)


def _query(query: str) -> str:
    kept = sorted((k, v) for k, v in parse_qsl(query, keep_blank_values=True) if not _tracks(k, v))
    return urlencode(kept)


def _tracks(name: str, value: str) -> bool:
    name = unquote(name).lower()
    if name in _TRACKING or name.startswith(_TRACKING_PREFIXES):
        return True
    return value.lower() in _TRACKING_VALUES.get(name, ())
