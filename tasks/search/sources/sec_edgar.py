"""SEC EDGAR: what US-listed clients had to report at once (form 8-K). Keyless; asks who is calling."""

import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from tasks.companies.names import words_of
from tasks.net.faults import FetchError, WrongType
from tasks.net.http import user_agent
from tasks.search.api import Api, address_of, ask, publisher, title, when
from tasks.search.options import CALLS
from tasks.search.source import About, FetchContext, Field, Found, Page, Profile, SourceKind, SourceState

API = Api(name="sec_edgar", title="SEC EDGAR", url="https://www.sec.gov", interval_seconds=0.2)
"""Ten requests a second are allowed for all of a caller's machines together; more block it for ten minutes."""
DATA_URL = "https://data.sec.gov"
_FORMS = {"8-K", "8-K/A"}

ITEMS = {
    "1.05": "discloses a cybersecurity incident",
    "1.03": "files for bankruptcy",
    "2.01": "completes the acquisition or sale of a business",
    "5.01": "is acquired in a change of control",
    "2.05": "announces restructuring with job cuts",
    "4.02": "restates its financial results",
    "2.02": "reports quarterly results",
    "5.02": "announces departure or appointment of a director or chief officer",
    "2.06": "reports financial results with a material impairment",
    "3.01": "receives a delisting notice for breach of listing rules",
    "1.01": "signs a material agreement",
    "1.02": "ends a material agreement",
    "2.03": "raises material debt financing",
    "4.01": "changes its auditor",
    "5.07": "reports the votes of its shareholders",
    "7.01": "publishes a statement to investors",
    "8.01": "reports another event",
}
"""Items of the form in plain words, by how much they matter: a filing is named by its first. The words are those
that the classifier's rules know, so that an item becomes the category it stands for."""


class _Filer(NamedTuple):
    cik: int
    name: str


class SecEdgarSource:
    """Filings of the client itself, found by ticker, else by its full name; others have none and are empty."""

    name: ClassVar[str] = API.name
    kind: ClassVar[SourceKind] = SourceKind.QUERY
    third_party: ClassVar[bool] = True
    about: ClassVar[About] = About(
        title=API.title,
        recipient="U.S. Securities and Exchange Commission",
        sends="The number of each client that files there, and your contact address.",
        terms="Fair access: https://www.sec.gov/os/accessing-edgar-data. Companies listed in the USA only.",
        fields=(
            Field("contact", "Contact address", required=True, setting="contact", help="sent to the SEC"),
            *CALLS,
        ),
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filers: dict[str, _Filer] | None = None

    def question(self, profile: Profile, context: FetchContext) -> str:
        by_ticker = f"the company with the ticker {profile.ticker}, else " if profile.ticker else ""
        names = " or ".join(dict.fromkeys(f"“{name}”" for name in (profile.legal_name, profile.name) if name))
        return f"reports (8-K) of {by_ticker}the company named {names}"

    def fetch(
        self, profile: Profile, cursor: Mapping[str, Any] | None, context: FetchContext
    ) -> Iterator[Page]:
        if not _contact(context):
            raise FetchError(f"{API.title}: refuses callers it cannot write to; set CM_CONTACT to an address")
        filer = self._filer(profile, context)
        if filer is None:
            yield Page(SourceState.EMPTY)
            return
        base = address_of(API, context, DATA_URL)
        answer = _ask(context, f"{base}/submissions/CIK{filer.cik:010d}.json")
        yield _page(filer, answer, context)

    def _filer(self, profile: Profile, context: FetchContext) -> _Filer | None:
        with self._lock:  # one list for all clients of a run
            if self._filers is None:
                self._filers = _read_filers(context)
        if profile.ticker and (known := self._filers.get(_ticker(profile.ticker))):
            return known
        names = (profile.legal_name, profile.name)
        return next((found for n in names if n and (found := self._filers.get(_name(n)))), None)


def _contact(context: FetchContext) -> str:
    return str(context.options.get("contact") or context.settings.contact)


def _ask(context: FetchContext, url: str) -> dict[str, Any]:
    return ask(API, context, url=url, headers={"User-Agent": user_agent(_contact(context))})


def _ticker(text: str) -> str:
    """EDGAR writes BRK-B for BRK.B."""
    return "ticker " + text.strip().upper().rpartition(":")[2].replace(".", "-")


def _name(text: str) -> str:
    return "name " + " ".join(words_of(text))


def _read_filers(context: FetchContext) -> dict[str, _Filer]:
    filers: dict[str, _Filer] = {}
    for row in _ask(context, f"{address_of(API, context)}/files/company_tickers.json").values():
        if not isinstance(row, dict):
            continue
        cik, ticker, name = row.get("cik_str"), row.get("ticker"), row.get("title")
        if isinstance(cik, int) and isinstance(ticker, str) and isinstance(name, str):
            filer = _Filer(cik, title(name))
            filers[_ticker(ticker)] = filer
            filers.setdefault(_name(name), filer)
    if not filers:
        raise WrongType(f"{API.title}: its list of companies is empty; its format may have changed")
    return filers


def _page(filer: _Filer, answer: Mapping[str, Any], context: FetchContext) -> Page:
    """The filings in the window. EDGAR gives them as columns, newest first."""
    filings = answer.get("filings")
    recent = filings.get("recent") if isinstance(filings, dict) else None
    columns = ("form", "accessionNumber", "primaryDocument", "items", "acceptanceDateTime", "filingDate")
    if not isinstance(recent, dict) or not all(isinstance(recent.get(column), list) for column in columns):
        raise WrongType(f"{API.title}: an answer without filings; its format may have changed")
    found = []
    for form, number, document, items, accepted, filed in zip(
        *(recent[column] for column in columns), strict=False
    ):
        if form not in _FORMS:
            continue
        published = when(context, accepted, filed).published_at
        if published is not None and published < context.since:
            break
        found.append(_item(filer, str(form), str(number), str(document), str(items), published))
    return Page(SourceState.OK if found else SourceState.EMPTY, tuple(found))


def _item(
    filer: _Filer, form: str, number: str, document: str, items: str, published: datetime | None
) -> Found:
    numbers = [item.strip() for item in items.split(",") if item.strip() in ITEMS]
    numbers.sort(key=list(ITEMS).index)
    said = [ITEMS[item] for item in numbers] or ["files a report"]
    folder = number.replace("-", "")
    url = f"{API.url}/Archives/edgar/data/{filer.cik}/{folder}/{document}"
    amended = " (amended)" if form.endswith("/A") else ""
    return Found(
        title=f"{filer.name} {said[0]}{amended}",
        url=url,
        snippet=f"{filer.name}, form {form}: {'; '.join(said)}.",
        source=publisher("SEC EDGAR"),
        published_at=published,
        extra={"form": form, "items": numbers, "accession_number": number},
    )
