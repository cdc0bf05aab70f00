"""Candidates for many profiles in one pass over a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from tasks.companies.lexicon import lexicon
from tasks.companies.names import TOKEN, Form, HitKind, Profile, domain_of, forms, normalise, plural

Field = Literal["title", "snippet", "url"]

# Hosts under a company's domain that speak for the company. A search engine's news page does not.
OWN_HOSTS = frozenset(
    (
        "www",
        "newsroom",
        "pressroom",
        "press",
        "media",
        "ir",
        "investor",
        "investors",
        "about",
        "corporate",
        "corp",
        "blog",
        "company",
    )
)
_MARKET_AFTER = re.compile(
    r"\s?(?:-\s?(?:free )?reports?|(?:[’']s)?\s(?:stock|shares?|options|calls|puts|earnings|price target)\b)",
    re.IGNORECASE,
)
_EXCHANGE = re.compile(
    r"(?:\$|\b(?:nyse|nasdaq|nasdaqgs|amex|lse|lon|tsx|asx|otc|otcmkts|etr|epa|fra|swx|ams|bme|sto|cph|hkg|tyo|nse|bse)"
    r"(?: american| arca)?\s?:\s?)$",
    re.IGNORECASE,
)


_TAG = re.compile(r"\((?:\w{1,6}\s?:\s?)?$")
_FIGURES = re.compile(
    r"\b(?:dividends?|earnings|eps|revenues?|quarterly|buybacks?|guidance|ebitda|q[1-4]|net income|profits?|fiscal)\b",
    re.IGNORECASE,
)


class Hit(NamedTuple):
    """One place where a profile may be named: `surface == text_of(field)[start:end]`."""

    key: str
    surface: str
    field: Field
    start: int
    end: int
    kind: HitKind
    stripped: bool = False
    """The form is the name cut short by us; see `Form.stripped`."""
    plural: bool = False


class _Entry(NamedTuple):
    rest: tuple[str, ...]
    key: str
    form: Form
    plural: bool


class Place(NamedTuple):
    """A stretch of a text."""

    text: str
    field: Field
    start: int
    end: int

    @property
    def surface(self) -> str:
        return self.text[self.start : self.end]

    def taken(self, hits: list[Hit]) -> bool:
        """Whether a hit already stands here; longer forms come first and keep their place."""
        return any(h.field == self.field and h.start < self.end and self.start < h.end for h in hits)


def _keep(found: dict[str, list[Hit]], entry: _Entry, place: Place) -> None:
    form = entry.form
    if form.exact is not None and place.surface != form.exact:
        return
    if _exchange_tag(place):
        return
    hits = found.get(entry.key)
    if hits is None:
        hits = found[entry.key] = []
    elif place.taken(hits):
        return
    hits.append(
        Hit(
            entry.key,
            place.surface,
            place.field,
            place.start,
            place.end,
            form.kind,
            form.stripped,
            entry.plural,
        )
    )


def _exchange_tag(place: Place) -> bool:
    """Whether a name is only the exchange in a stock's tag: "(ACM:NYSE)", "(Nasdaq: ACM)"."""
    behind = place.text[place.end : place.end + 3].lstrip()
    if behind[:1] not in (":", ")") or place.surface.lower() not in lexicon()["exchanges"]:
        return False
    ahead = _TAG.search(place.text[: place.start])
    return ahead is not None and (behind[0] == ":" or ":" in ahead.group())


def _keep_ticker(found: dict[str, list[Hit]], keys: list[str], place: Place) -> None:
    for key in keys:
        hits = found.setdefault(key, [])
        if not place.taken(hits):
            hits.append(Hit(key, place.surface, place.field, place.start, place.end, "ticker"))


class NameIndex:
    """Finds which of many profiles a text may be about; recall first, judgement is `match_company`'s.

    Time for a text grows with its words and its hits, not with the number of profiles: each word is looked
    up once in a table of first words.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._first: dict[str, list[_Entry]] = {}
        self._tickers: dict[str, list[str]] = {}
        self._domains: dict[str, list[str]] = {}
        for profile in profiles:
            self._add(profile)
        for entries in self._first.values():
            entries.sort(key=lambda e: -len(e.rest))

    def _add(self, profile: Profile) -> None:
        for form in forms(profile):
            entry = _Entry(form.words[1:], profile.key, form, False)
            self._first.setdefault(form.words[0], []).append(entry)
            if len(form.words) == 1 and form.exact is None:
                many = _Entry((), profile.key, form, True)
                self._first.setdefault(plural(form.words[0]), []).append(many)
        if profile.ticker and profile.ticker.strip():
            self._tickers.setdefault(profile.ticker.strip().upper(), []).append(profile.key)
        if host := domain_of(profile):
            self._domains.setdefault(host, []).append(profile.key)

    def candidates(self, title: str, snippet: str | None, url: str | None) -> dict[str, list[Hit]]:
        """Hits by profile key, in the order of the text; longer forms hide shorter ones inside them."""
        found: dict[str, list[Hit]] = {}
        self._scan(title, "title", found)
        if snippet:
            self._scan(snippet, "snippet", found)
        if url:
            self._scan_url(url, found)
        return found

    def _scan(self, text: str, field: Field, found: dict[str, list[Hit]]) -> None:
        first, tickers = self._first, self._tickers
        raw = TOKEN.findall(text)
        norms = (
            [w.lower() for w in raw] if text.isascii() and "&" not in text else [normalise(w) for w in raw]
        )
        hyphened = "-" in text
        spans: list[tuple[int, int]] | None = None
        for i, norm in enumerate(norms):
            entries = first.get(norm)
            joined = first.get(norm + norms[i + 1]) if hyphened and i + 1 < len(norms) else None
            if entries is None and joined is None and raw[i] not in tickers:
                continue
            spans = spans or [m.span() for m in TOKEN.finditer(text)]
            for entry in entries or ():
                size = len(entry.rest)
                if not size or tuple(norms[i + 1 : i + 1 + size]) == entry.rest:
                    _keep(found, entry, Place(text, field, spans[i][0], spans[i + size][1]))
            if joined is not None and text[spans[i][1] : spans[i + 1][0]] == "-":
                for entry in joined:
                    if not entry.rest:
                        _keep(found, entry, Place(text, field, spans[i][0], spans[i + 1][1]))
            if raw[i] in tickers and _in_market_context(text, *spans[i], raw[i]):
                _keep_ticker(found, tickers[raw[i]], Place(text, field, *spans[i]))

    def _scan_url(self, url: str, found: dict[str, list[Hit]]) -> None:
        match = re.match(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/@?#]*@)?([^/:?#]+)", url, re.IGNORECASE)
        if match is None:
            return
        host, at = match.group(1).lower(), match.start(1)
        labels = host.split(".")
        for i in range(len(labels) - 1):
            domain = ".".join(labels[i:])
            if domain in self._domains and all(label in OWN_HOSTS for label in labels[:i]):
                start = at + len(host) - len(domain)
                for key in self._domains[domain]:
                    surface = url[start : at + len(host)]
                    found.setdefault(key, []).append(
                        Hit(key, surface, "url", start, at + len(host), "domain")
                    )


def _in_market_context(text: str, start: int, end: int, ticker: str) -> bool:
    """Whether a ticker stands where only tickers stand: "(NASDAQ: CRM)", "$CRM", "CRM stock", "(CRM)".

    One- and two-letter tickers ask for an exchange or a dollar sign: "F shares" may be a class of shares.
    """
    before, after = text[max(0, start - 24) : start], text[end : end + 16]
    if _EXCHANGE.search(before):
        return True
    if before.endswith("$") and ticker.isalpha():
        return True
    if len(ticker) < 2:
        return False
    if before.endswith("(") and after.startswith((")", " -", ".", ":")):
        return True
    if len(ticker) < 3:
        return False
    # "ACM to raise dividend after record revenue": the subject of a report of figures
    subject = start == 0 and len({m.lower() for m in _FIGURES.findall(text)}) > 1 and not text.isupper()
    return subject or bool(_MARKET_AFTER.match(after))
