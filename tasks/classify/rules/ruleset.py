"""Rules ready to be tried, and which of them a text is worth trying against."""

from dataclasses import dataclass, field

from tasks.classify.rules.categories import Category, Risk
from tasks.classify.rules.phrases import CompiledPhrase
from tasks.classify.rules.text import Text

_WORDS_KEPT = 200_000  # a bound on memory; beyond it words are looked up again


@dataclass(frozen=True, slots=True)
class Rule:
    """A phrase that speaks for a category; the fields are those of `Pattern`."""

    category: Category
    phrase: CompiledPhrase
    weight: float
    says: str
    sentiment: float | None = None
    risk: Risk | None = None


@dataclass(slots=True)
class RuleSet:
    """Rules found by their trigger words, so that a text is tried against a few dozen, not hundreds."""

    rules: tuple[Rule, ...]
    _by_word: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _exact: dict[str, list[int]] = field(default_factory=dict)
    _prefixes: list[tuple[str, int]] = field(default_factory=list)
    # What is asked of each rule for each text, side by side: following the attributes is slower.
    _needs: list[tuple[Rule, bool, frozenset[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, rule in enumerate(self.rules):
            self._needs.append((rule, rule.phrase.digit, rule.phrase.also))
            for trigger in rule.phrase.triggers:
                if trigger.endswith("*"):
                    self._prefixes.append((trigger[:-1], number))
                else:
                    self._exact.setdefault(trigger, []).append(number)

    def candidates(self, text: Text) -> list[Rule]:
        """The rules that may match the text, in file order."""
        words = text.word_set
        numbers: set[int] = set()
        for word in words:
            found = self._by_word.get(word)
            if found is None:
                found = tuple(self._exact.get(word, ())) + tuple(
                    n for prefix, n in self._prefixes if word.startswith(prefix)
                )
                if len(self._by_word) < _WORDS_KEPT:
                    self._by_word[word] = found
            numbers.update(found)
        digit, apart, needs = text.has_digit, words.isdisjoint, self._needs
        found_rules = []
        for number in sorted(numbers):
            rule, needs_digit, also = needs[number]
            if (digit or not needs_digit) and not (also and apart(also)):
                found_rules.append(rule)
        return found_rules
