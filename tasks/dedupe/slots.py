"""The proper names of a title, and the place each takes: what tells apart two events told in one sentence.

"Contoso to cut 240 jobs" and "Fabrikam to cut 300 jobs" are alike but for who is meant. A slot is a run of names with
the words around it; where two titles have one slot with other names in it, and neither article speaks of the other's,
they tell of two parties. A party that one of them describes ("the retailer") leaves no name and tells nothing.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from tasks.dedupe.features import rarity
from tasks.dedupe.text import tokens

__all__ = ["NOBODY", "Named", "exchanged", "named", "spoken", "strangers"]


class Run(NamedTuple):
    """Capitalised words in a row: those that tell whom they name, as `tokens` writes them, and what else shows that
    an article speaks of them (see `_run`)."""

    words: tuple[str, ...]
    forms: frozenset[str]


class Named(NamedTuple):
    """Whom a title names."""

    runs: tuple[Run, ...]
    slots: Mapping[str, Run]
    """The words around a run of names -> the run."""


NOBODY: Final = Named((), {})

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’&.-]?[^\W\d_]+)*|\d+(?:[.,]\d+)*|[:;.!?|]|[-–—](?=\s)")
_BREAKS: Final = frozenset(":;.!?|-–—")
# After a small letter, a comma or a figure a capital is no sentence's.
_INSIDE: Final = re.compile(r"(?<=[a-z,0-9] )[A-Z][\w&’'-]*")
_NO_NAMES: Final = frozenset(
    "a an the in on at of for to by with from and or but as is are was it its he she his her they their we our you i"
    " my this that how why what when where who mr mrs ms dr ceo cfo coo cto ai ipo q"
    " monday tuesday wednesday thursday friday saturday sunday january february march april may june july august"
    " september october november december jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_LONG: Final = 4
_SMALL_IN_TITLES: Final = frozenset(
    "about across after against ahead amid among around before behind between beyond despite during from into like"
    " near onto over past since than that their through toward towards under until upon versus while with within"
    " without your".split()
)
"""Title case writes these small, and shorter words; any other small word shows sentence case."""
_UNKNOWN: Final = 9.2
"""A word that English has less than once in a million is a name at the start and in title case too."""
_TELLING: Final = 0.75
"""Of a name the words count that are at least this rare, measured by its rarest: "Contoso" of "Contoso Systems"."""
_FRAMING: Final = 3.0
"""A slot is made by a word that English has less than once in 2,000; "the" and "of" are around any name."""
_BESIDE: Final = frozenset("in from near off the a an".split())
"""No slot follows these: two tellings name one place by town and by state."""
_FIGURE: Final = "#"
_ALIKE: Final = 4
"""Names are taken for one when this many letters are the same: "Iran", "Iranian"."""
_INITIALS: Final = 5
"""Letters of an abbreviation, at most."""
_MOST: Final = 0.5
"""Re-tellings name somebody else besides; of the names of two events at least half are strangers to the other."""


def named(title: str, snippet: str) -> Named:
    """The names of a cleaned title; the snippet shows which capitalised words are names."""
    words: list[str] = [] if title.islower() else _WORD.findall(title)
    capitals = [i for i, word in enumerate(words) if word[0].isupper() and _may_name(word)]
    if not capitals:
        return NOBODY
    inside = frozenset(_INSIDE.findall(snippet)) if snippet else frozenset()
    sentence = any(map(_shows_sentence_case, words))
    names = {i for i in capitals if _is_name(words, i, inside, snippet, sentence)}
    runs: list[Run] = []
    found: dict[str, Run] = {}
    size = len(words)
    for start in capitals:
        if start not in names or start - 1 in names:
            continue
        end = start + 1
        while end in names:
            end += 1
        run = _run(tuple(words[start:end]))
        # A word on each side, two where the other side is the title's edge.
        left, right = (
            range(max(0, start - (1 if end < size else 2)), start),
            range(end, min(size, end + 1 + (not start))),
        )
        before = ["*" if i in names else _plain(words[i]) for i in left]
        after = ["*" if i in names else _plain(words[i]) for i in right]
        if not run.words or _FIGURE in before[-1:] or _FIGURE in after[:1]:
            # Beside figures are the parts of a dateline.
            continue
        runs.append(run)
        if any(map(_frames, before + after)) and _BESIDE.isdisjoint(before[-1:]):
            found[f"{' '.join(before)} _ {' '.join(after)}"] = run
    return Named(tuple(runs), found)


def spoken(article: Named, segments: Sequence[Sequence[str]]) -> frozenset[str]:
    """All that shows whom an article with these tokens speaks of, for `exchanged` and `strangers`."""
    return frozenset(chain(*segments, *(_heads(run.words) for run in article.runs)))


def exchanged(a: Named, b: Named, known_to_a: frozenset[str], known_to_b: frozenset[str]) -> bool:
    """Whether other names stand in one slot of two titles, and neither article speaks of the other's."""
    if a.slots.keys().isdisjoint(b.slots):
        return False
    return any(
        known_to_b.isdisjoint(a.slots[context].forms) and known_to_a.isdisjoint(b.slots[context].forms)
        for context in a.slots.keys() & b.slots.keys()
    )


def strangers(a: Named, b: Named, known_to_a: frozenset[str], known_to_b: frozenset[str]) -> bool:
    """Whether of those that either article names at least `_MOST` are unknown to the other."""
    return _unknown(a.runs, known_to_b) and _unknown(b.runs, known_to_a)


def _unknown(runs: tuple[Run, ...], known: frozenset[str]) -> bool:
    unknown = [run for run in runs if known.isdisjoint(run.forms)]
    return bool(unknown) and len(unknown) >= _MOST * len(runs)


def _is_name(words: list[str], i: int, inside: frozenset[str], snippet: str, sentence: bool) -> bool:
    word = words[i]
    if sentence and i and words[i - 1][0] not in _BREAKS:
        return True
    if word in inside or _is_unknown(word):
        return True
    if not sentence:
        return False
    # The first word of a sentence: one of a run, or one that needs no article at the start of another sentence.
    if i + 1 < len(words) and words[i + 1][0].isupper() and _may_name(words[i + 1]):
        return True
    return not word.endswith("s") and snippet.startswith(word)


@lru_cache(maxsize=20_000)
def _may_name(word: str) -> bool:
    return word.lower() not in _NO_NAMES


@lru_cache(maxsize=20_000)
def _is_unknown(word: str) -> bool:
    return not word.endswith("s") and any(rarity(said) >= _UNKNOWN for said in _said(word))


@lru_cache(maxsize=20_000)
def _shows_sentence_case(word: str) -> bool:
    return len(word) >= _LONG and word.islower() and word not in _SMALL_IN_TITLES


@lru_cache(maxsize=20_000)
def _plain(word: str) -> str:
    return _FIGURE if word[0].isdigit() else word.lower()


@lru_cache(maxsize=20_000)
def _frames(word: str) -> bool:
    return word.isalpha() and rarity(word) >= _FRAMING


@lru_cache(maxsize=20_000)
def _run(words: tuple[str, ...]) -> Run:
    """Forms are the telling words, their beginnings ("~iran"), and the initials of all ("=gzw")."""
    names = [token for word in words for token in _said(word)]
    bar = _TELLING * max(map(rarity, names), default=0.0)
    telling = tuple(name for name in names if rarity(name) >= bar)
    forms = {*telling, *(f"~{name[:_ALIKE]}" for name in telling)}
    if len(names) > 1:
        forms.add("=" + "".join(name[0] for name in names))
    return Run(telling, frozenset(forms))


@lru_cache(maxsize=20_000)
def _heads(words: tuple[str, ...]) -> tuple[str, ...]:
    """What of names is to be found in the forms of others: beginnings, and a short name as the initials it may be; its
    last letter may stand for a word left out ("GZW", "GZ")."""
    short = [word for word in words if len(word) <= _INITIALS]
    return (
        *(f"~{word[:_ALIKE]}" for word in words),
        *(f"={word}" for word in short),
        *(f"={word[:-1]}" for word in short if len(word) > 2),
    )


@lru_cache(maxsize=50_000)
def _said(word: str) -> tuple[str, ...]:
    return tuple(tokens(word.replace("’", "'").removesuffix("'s")))
