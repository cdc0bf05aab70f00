"""What kind of corporate event a title tells, where plain words say so: two stories of one company on one day.

Only words that seldom mean something else, and titles only: a lead recalls last month's events as well. A title may
tell several kinds, most tell none.
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["kinds"]

_WORDS: Final = {
    word: kind
    for kind, words in {
        "alliance": "partnership partnering alliance",
        "breach": "hacker hackers hacked cyberattack ransomware",
        "cuts": "layoff layoffs redundancies furlough furloughs downsizing",
        "deal": "acquire acquires acquired acquisition takeover merger buyout",
        "launch": "launch launches launched unveil unveils unveiled",
        "money": "funding financing lend lends lenders loan loans debt bonds ipo",
        "people": "resign resigns resigned resignation",
        "probe": "probe probes investigation inquiry antitrust watchdog investigates",
        "results": "earnings profit profits revenue revenues forecasts quarterly",
        "suit": "sue sues sued suing lawsuit lawsuits infringement",
    }.items()
    for word in words.split()
}
_OFFICES: Final = "ceo cfo chief chairman president"
_PAIRS: Final = {
    (one, other): kind
    for kind, first, second in (
        ("breach", "data", "breach"),
        ("cuts", "lay lays laid", "off"),
        ("cuts", "positions jobs roles", "go"),
        (
            "cuts",
            "cut cuts cutting slash slashes axe axes eliminate eliminates shed sheds",
            "jobs positions staff workforce roles employees workers",
        ),
        ("deal", "buys buy sells sell", "deal unit division business"),
        ("growth", "creating create creates new", "jobs"),
        ("growth", "open opens opening", "site plant factory office"),
        ("money", "credit", "facility line"),
        ("money", "leads led", "investment round"),
        ("money", "raises raise raised", "million round"),
        ("people", "names named appoints appointed taps picks new", _OFFICES),
        ("people", "step steps stepping stepped", "down"),
        ("people", "succeed succeeds replace replaces", _OFFICES),
        ("people", f"{_OFFICES} head boss", "quits leaves resigns departs depart retire exits"),
        ("prize", "wins win won top industry", "award prize"),
        ("results", "beats beat", "estimates forecasts expectations"),
        ("results", "cuts lifts raises", "outlook forecast guidance"),
        ("results", "warns", "profit"),
    )
    for one in first.split()
    for other in second.split()
}
"""Two words that tell a kind together, the one some words after the other."""
_FIRST: Final = frozenset(one for one, _ in _PAIRS)
_REACH: Final = 7


def kinds(title: Sequence[str]) -> frozenset[str]:
    """The kinds of event in the tokens of a title."""
    found = {_WORDS[word] for word in title if word in _WORDS}
    if not _FIRST.isdisjoint(title):
        for i, word in enumerate(title):
            if word in _FIRST:
                after = title[i + 1 : i + 1 + _REACH]
                found.update(_PAIRS[word, other] for other in after if (word, other) in _PAIRS)
    return frozenset(found)
