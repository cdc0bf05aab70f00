"""Groups of phrases as they stand in a pattern file or in a tenant's own patterns: read, checked, named."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.classify.rules.categories import Category, Risk

OWN = "Matches one of your own patterns"


class PatternProblem(NamedTuple):
    """What is wrong, and where: "group 2, phrase 3"."""

    where: str
    message: str


class PatternsError(ValueError):
    """Pattern data that cannot be used. Its text has a line for each problem, naming the row."""

    def __init__(self, problems: Sequence[PatternProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{p.where}: {p.message}" for p in self.problems))


class Group(BaseModel):
    """Phrases of one category and weight. `language`: whose texts they are for; a file's own by default."""

    model_config = ConfigDict(extra="forbid")

    category: Category
    weight: float = Field(default=3.0, gt=0, le=10)
    says: str = Field(default=OWN, max_length=200)
    sentiment: float | None = Field(default=None, ge=-1, le=1)
    risk: Risk | None = None
    language: str = "en"
    phrases: list[str] = Field(min_length=1)


def read_groups(raw: object) -> Iterator[tuple[int, Group | PatternProblem]]:
    """Each group with its number from 1, or what is wrong with it."""
    if not isinstance(raw, list):
        yield 0, PatternProblem("group", "is a list of tables, written [[group]] in TOML")
        return
    for number, row in enumerate(raw, start=1):
        try:
            yield number, Group.model_validate(row)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                yield number, PatternProblem(_where(number, detail["loc"]), detail["msg"])


def _where(number: int, location: Sequence[int | str]) -> str:
    if len(location) == 2 and location[0] == "phrases" and isinstance(location[1], int):
        return phrase_at(number, location[1] + 1)
    return ", ".join([f"group {number}", *map(str, location)])


def phrase_at(group: int, phrase: int) -> str:
    """How a row is named to whoever has to mend it; both count from 1."""
    return f"group {group}, phrase {phrase}"


def mapping(raw: object, where: str) -> Mapping[str, object]:
    """`raw` if it is a table, else PatternsError."""
    if not isinstance(raw, Mapping):
        raise PatternsError([PatternProblem(where, "is a table of names and values")])
    return raw
