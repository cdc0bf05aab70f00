"""Which words of a text tell that a name in it means somebody else. Pure; knowledge of the language only."""

from collections.abc import Iterator

from pydantic import BaseModel

from tasks.companies.context import Text, analyse
from tasks.companies.frequency import zipf
from tasks.companies.index import Hit, NameIndex
from tasks.companies.knowledge import Knowledge, knowledge
from tasks.companies.lexicon import lexicon
from tasks.companies.names import Profile

_LONGEST_NAME = 4
_COMMON_ZIPF = 4.0
"""Words more frequent than once in 100,000 ("protests", "range") say too little of a sense by themselves."""
_NO_NOUN = ("ing", "ed", "ly")
"""What somebody does or how says nothing of the sense."""
_KNOWN_ZIPF = 2.5
"""Rarer words are mostly names, and whom a company deals with does not tell it from its namesake."""
_GRAMMAR_ZIPF = 5.6
"""More frequent than once in 2,500: a word of the grammar ("every"), or as good as one ("time", "new")."""


class Phrase(BaseModel):
    """Words of the text, as they would be looked for: in lower case, one after the other."""

    words: str
    why: str
    is_namesake: bool = False
    """A longer name that holds the client's: whatever has it is about the namesake."""


def phrases(profile: Profile, title: str, snippet: str | None) -> list[Phrase]:
    """Phrases that could stand for the wrong sense, the most telling first; each occurs in the text.

    First longer names around the client's ("Acme Dental"), then the name with a neighbour that is no verb ("acme
    harvest"), then pairs of words and rare words that neither name the client nor belong to its trade or to
    business news at large. Who else is named is no sign of the sense.
    """
    hits = NameIndex([profile]).candidates(title, snippet, None).get(profile.key, [])
    know = knowledge(profile)
    texts = {"title": analyse(title), "snippet": analyse(snippet or "")}
    named = [(hit, texts[hit.field]) for hit in hits if hit.field in texts]
    if not named:
        return []
    found: dict[str, Phrase] = {}
    for source in (
        _namesakes(named, know),
        _neighbours(named, know),
        _surroundings(texts["title"], named, know),
    ):
        for phrase in source:
            found.setdefault(phrase.words, phrase)
    return list(found.values())


def _place(hit: Hit, text: Text) -> tuple[int, int]:
    first = text.at(hit.start)
    last = first
    while last + 1 < len(text.tokens) and text.tokens[last + 1].end <= hit.end:
        last += 1
    return first, last


def _namesakes(named: list[tuple[Hit, Text]], know: Knowledge) -> Iterator[Phrase]:
    """Where letter case shows names: the capitalised words that stand around the client's.

    A legal form, the client's trade, a role and a place are no other name: "Acme Group", "Acme CEO" may be the client.
    """
    lex = lexicon()
    its_own = know.own | know.terms | know.business
    its_own |= lex["legal_forms"] | lex["group_words"] | lex["roles"] | lex["titles"] | lex["places"]
    for hit, text in named:
        if text.style != "sentence":
            continue
        first, last = _place(hit, text)
        left, right = first, last
        while text.joined(left - 1, left) and _named(text, left - 1) and right - left < _LONGEST_NAME:
            left -= 1
        while text.joined(right, right + 1) and _named(text, right + 1) and right - left < _LONGEST_NAME:
            right += 1
        around = {text.tokens[i].norm for i in (*range(left, first), *range(last + 1, right + 1))}
        if around and not around & its_own:
            words = _words(text, left, right)
            yield Phrase(words=words, why=f"“{words}” is a longer name than the client's", is_namesake=True)


def _named(text: Text, i: int) -> bool:
    token = text.tokens[i]
    return token.text[:1].isupper() and i not in text.starts and not lexicon().function(token.norm)


def _neighbours(named: list[tuple[Hit, Text]], know: Knowledge) -> Iterator[Phrase]:
    """The name with the noun beside it, unless that is what any company has: shares, employees, stores."""
    lex = lexicon()
    any_companys = know.own | know.terms | know.business
    for role in (
        "after",
        "before",
        "nouns_of",
        "roles",
        "audience",
        "wares",
        "places",
        "firmly_after",
        "events",
    ):
        any_companys |= lex[role]
    for hit, text in named:
        first, last = _place(hit, text)
        for left, right, neighbour in ((first, last + 1, last + 1), (first - 1, last, first - 1)):
            whole = text.joined(left, left + 1) and text.joined(right - 1, right)
            if whole and _noun(text, neighbour) and text.tokens[neighbour].norm not in any_companys:
                words = _words(text, left, right)
                yield Phrase(words=words, why=f"the name stands in “{words}”")


def _noun(text: Text, i: int) -> bool:
    """Whether a word beside the name can be part of what is named: not grammar, not what a company does."""
    lex, word = lexicon(), text.tokens[i].norm
    verbs = lex["verbs"] | lex["verb_bases"] | lex["weak_verbs"]
    if len(word) < 3 or not word.isalpha() or zipf(word) >= _GRAMMAR_ZIPF:
        return False
    return not lex.function(word) and word not in verbs


def _surroundings(title: Text, named: list[tuple[Hit, Text]], know: Knowledge) -> Iterator[Phrase]:
    """What else the headline speaks of, where letter case tells plain words from names: only those tell a sense."""
    if title.style != "sentence":
        return
    own = {i for hit, text in named if text is title for i in range(*_span(hit, text))}
    telling = [
        i
        for i, token in enumerate(title.tokens)
        if i not in own
        and _noun(title, i)
        and (token.text.islower() or i in title.starts)
        and token.norm not in know.terms | know.business | know.own
        and zipf(token.norm) >= _KNOWN_ZIPF
    ]
    pairs = [(i, i + 1) for i in telling if i + 1 in telling and title.joined(i, i + 1)]
    for left, right in sorted(pairs, key=lambda pair: sum(zipf(title.tokens[i].norm) for i in pair)):
        words = _words(title, left, right)
        yield Phrase(words=words, why=f"“{words}” has nothing to do with the client")
    for i in sorted(telling, key=lambda i: zipf(title.tokens[i].norm)):
        word = title.tokens[i].norm
        plain = title.tokens[i].text.islower() and not word.endswith(_NO_NOUN)
        if plain and zipf(word) < _COMMON_ZIPF:
            yield Phrase(words=word, why=f"“{word}” has nothing to do with the client")


def _span(hit: Hit, text: Text) -> tuple[int, int]:
    first, last = _place(hit, text)
    return first, last + 1


def _words(text: Text, left: int, right: int) -> str:
    return " ".join(token.norm for token in text.tokens[left : right + 1])
