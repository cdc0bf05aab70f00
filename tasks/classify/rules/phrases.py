"""The phrase language: how a pattern is written, and its translation into a regular expression.

Phrases, not regular expressions, because a tenant writes some of them: they are readable, and none can be
made that takes exponential time. The language is described at the top of `patterns/en.toml`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MAX_GAP = 12
EITHER_ORDER = 7  # words between the two sides of "&": a headline says a thing within about ten
# Gaps and optional words multiply the ways to try; this many at each place of a text is still quick.
MAX_WAYS = 5_000
_WORD = re.compile(r"[^\s|_<>~!^*]+\*?")
_WITH_A_DIGIT = {"money", "year"}  # classes whose every form holds a figure
_GAP_WORD = r"(?:[^ |:?]+ )"


class PhraseError(ValueError):
    """A phrase that cannot be read; the message names it and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a language gives its phrases: named lists of words, and the classes `<money>`, `<number>` … .

    `classes` are regular expressions that end with the space after them. `common`: words that stand in most
    texts and make poor triggers, because a phrase found by them would be tried nearly always.
    """

    lists: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, str]
    common: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Mapping[str, str]]) -> "Vocabulary":
        """From the `lists` and `classes` of a language's file."""
        classes = data["classes"]
        return cls(
            lists=read_lists(data["lists"], {}),
            classes=_classes({name: words.split() for name, words in classes.items()}),
            common=frozenset(classes["common"].split()),
        )


def read_lists(raw: Mapping[str, str], known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Lists of words by name, `<other>` inside one filled in from `known` and from those before it."""
    done = dict(known)
    for name, text in raw.items():
        words: list[str] = []
        for word in text.lower().split():
            if not word.startswith("<"):
                if not all(_WORD.fullmatch(part) for part in word.split("_")):
                    raise PhraseError(f"{word!r} is not a word")
                words.append(word)
            elif word[1:-1] in done:
                words.extend(done[word[1:-1]])
            else:
                raise PhraseError(f"there is no list {word} before it")
        done[name] = tuple(words)
    return done


def _either(words: Iterable[str]) -> str:
    """Alternatives, the longest first: "per cent" before "per"."""
    return "|".join(
        re.escape(w.replace("_", " ")).replace(r"\ ", " ") for w in sorted(words, key=lambda w: (-len(w), w))
    )


def _classes(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    scale, percent = _either(words["scales"]), _either(words["percent"])
    about = f"(?:(?:{_either(words['about'])}) )?"
    any_scale = _either([*words["scales"], *words["scales_after_a_sign"]])
    codes = _either(words["currency_codes"])
    return {
        "money": (
            rf"{about}(?:(?:[^ \d]{{0,3}}[$€£¥₹₩₺₽₦฿₫₱]\d[^ ]*|(?:{codes}) ?\d[^ ]*)(?: (?:{any_scale}))?"
            rf"|\d[\d.,]* ?(?:{scale})(?: (?:{_either(words['currencies'])}))?) "
        ),
        "number": (rf"{about}(?:#?\d[^ ]*(?: (?:{scale}|{percent}|%))?|{_either(words['numbers'])}) "),
        "percent": rf"{about}(?:[+]?\d[\d.,]*(?:%| (?:{percent}|%))|{_either(words['percent_alone'])}) ",
        "year": r"(?:19|20)\d\d ",
    }


@dataclass(slots=True)
class CompiledPhrase:
    """A phrase ready to be tried, and which texts are worth the try.

    `triggers`: words (a trailing `*` marks a prefix) of which a text must hold one. `also`: whole words of
    which it must hold one too; empty when the phrase requires no second element. `digit`: it needs a figure.
    `text`: the phrase as it was written.
    """

    text: str
    source: str
    triggers: frozenset[str]
    also: frozenset[str]
    digit: bool
    _regex: re.Pattern[str] | None = None

    def search(self, canon: str) -> re.Match[str] | None:
        """The first match in a canonical text, from the space before its first word to the one after its last.

        The expression is compiled when it is first needed: a process that judges one text need not wait for all.
        """
        if self._regex is None:
            self._regex = re.compile(self.source)
        return self._regex.search(canon)


@dataclass(frozen=True, slots=True)
class _Element:
    regex: str
    triggers: frozenset[str] | None  # None: it holds a class such as <money>, which no single word announces
    digit: bool
    literals: tuple[str, ...]


def _element(body: str, vocabulary: Vocabulary, phrase: str) -> _Element:
    """One element (`a|b_c|<list>`) as a regular expression that ends with the space after it."""
    literals: list[str] = []
    classes: list[str] = []
    named: set[str] = set()
    for part in body.split("|"):
        name = part[1:-1] if part.startswith("<") and part.endswith(">") else ""
        if name in vocabulary.classes:
            classes.append(f"(?:{vocabulary.classes[name]})")
            named.add(name)
        elif name and name in vocabulary.lists:
            literals.extend(word.replace("_", " ") for word in vocabulary.lists[name])
        elif name:
            raise PhraseError(f"{phrase!r}: there is no list <{name}>")
        elif not all(_WORD.fullmatch(word) for word in part.split("_")):
            raise PhraseError(f"{phrase!r}: {part!r} is not a word")
        else:
            literals.append(part.replace("_", " "))
    # Longest first, so that "chief executive officer" is tried before "chief executive".
    ordered = sorted(dict.fromkeys(literals), key=lambda a: (-len(a), a))
    if ordered:
        classes.append("(?:" + "|".join(map(_literal, ordered)) + ") ")
    return _Element(
        regex="(?:" + "|".join(classes) + ")",
        triggers=None if named else frozenset(_telling(a, vocabulary.common) for a in ordered),
        digit=bool(named) and not ordered and named <= _WITH_A_DIGIT,
        literals=tuple(ordered),
    )


def _telling(alternative: str, common: frozenset[str]) -> str:
    """The word by which to look for an alternative of several words: its longest that is not a common one."""
    words = alternative.split()
    return max(words, key=lambda w: (w not in common, not w.endswith("*"), len(w)))


def _literal(alternative: str) -> str:
    return re.escape(alternative).replace(r"\ ", " ").replace(r"\*", "[^ ]*")


@dataclass(slots=True)
class _Sequence:
    """Elements that follow one another: their expression, without the space before them."""

    regex: str
    required: list[frozenset[str]]  # of each of these sets a text must hold a word
    ways: int
    digit: bool


def compile_phrase(phrase: str, vocabulary: Vocabulary) -> CompiledPhrase:
    """Compile one phrase, or raise PhraseError."""
    sides = [side.split() for side in phrase.lower().split(" & ")]
    # Starting with the space before the first word lets the engine skip to it; a lookbehind would not.
    space = "^ " if sides[0][:1] == ["^"] else " "
    if space == "^ ":
        del sides[0][0]
    if len(sides) > 2 or (len(sides) == 2 and (space == "^ " or not all(sides))):
        raise PhraseError(f"{phrase!r}: & stands between two parts, once, and needs no ^")
    read = [_sequence(side, vocabulary, phrase, at_start=space == "^ ") for side in sides]
    first = read[0]
    whole, ways = first.regex, first.ways
    if len(read) == 2:
        second = read[1]
        between = _GAP_WORD + f"{{0,{EITHER_ORDER}}}?"
        whole = f"(?:{whole}{between}{second.regex}|{second.regex}{between}{whole})"
        ways *= second.ways * 2 * (EITHER_ORDER + 1)
    required = [words for part in read for words in part.required]
    if ways > MAX_WAYS:
        raise PhraseError(f"{phrase!r}: fewer or smaller gaps, please")
    if not required:
        raise PhraseError(f"{phrase!r}: at least one word must be required")
    required.sort(key=lambda words: _rarity(words, vocabulary.common), reverse=True)
    also = [words for words in required[1:] if not any(w.endswith("*") for w in words)]
    return CompiledPhrase(
        text=phrase,
        source=space + whole,
        triggers=required[0],
        also=also[0] if also else frozenset(),
        digit=any(part.digit for part in read),
    )


def _sequence(bodies: Sequence[str], vocabulary: Vocabulary, phrase: str, *, at_start: bool) -> _Sequence:
    pattern: list[str] = []
    read = _Sequence("", [], 1, False)
    for body in bodies:
        if body == "$":
            pattern.append(r"(?=\||\?|$)")
        elif body in (":", "?"):
            pattern.append(re.escape(body) + " ")
        elif body.startswith("~"):
            if not body[1:].isdigit() or not 0 < int(body[1:]) <= MAX_GAP:
                raise PhraseError(f"{phrase!r}: a gap is ~1 to ~{MAX_GAP}")
            pattern.append(_GAP_WORD + f"{{0,{body[1:]}}}?")
            read.ways *= int(body[1:]) + 1
        elif body.startswith("!"):
            element = _element(body[1:], vocabulary, phrase)
            follows = bool(pattern) or at_start
            pattern.append(f"(?!{element.regex})" if follows else _not_before(element, phrase))
        elif body.endswith("?"):
            pattern.append(f"{_element(body[:-1], vocabulary, phrase).regex}?")
            read.ways *= 2
        else:
            element = _element(body, vocabulary, phrase)
            pattern.append(element.regex)
            read.digit = read.digit or element.digit
            if element.triggers:
                read.required.append(element.triggers)
    read.regex = "".join(pattern)
    return read


def _not_before(element: _Element, phrase: str) -> str:
    """The words may not stand right before the phrase: a look back for each, as each has its own length."""
    if not element.literals or any("*" in words for words in element.literals):
        raise PhraseError(f"{phrase!r}: only whole words can be kept from standing before it")
    return "".join(f"(?<! {re.escape(words)} )" for words in element.literals)


def _rarity(words: frozenset[str], common: frozenset[str]) -> float:
    """Higher for the better trigger: few words, none of them common."""
    return -sum(150.0 if w in common else 1.0 for w in words)
