"""The published table of faults: what the tests see, kept in step with ``docs/faults.md``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"


class FaultTable:
    """One table of the page, between ``<!-- name -->`` and ``<!-- end -->``: faults down, providers across."""

    def __init__(self, name: str, faults: Sequence[str], providers: Mapping[str, str]) -> None:
        """``providers`` gives the heading of each column."""
        self._start = f"<!-- {name} -->\n"
        self._faults = faults
        self._providers = providers

    def rows(self) -> dict[str, dict[str, str]]:
        """What is published: fault → provider → cell."""
        lines = self._split()[1].strip().splitlines()[2:]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return {row[0]: dict(zip(self._providers, row[1:], strict=True)) for row in cells}

    def keep(self, fault: str, seen: Mapping[str, str]) -> None:
        """Publish a row."""
        known = {**self.rows(), fault: dict(seen)}
        head = ["", *self._providers.values()]
        lines = [head, ["---"] * len(head)]
        lines += [
            [name, *(known[name].get(provider, "") for provider in self._providers)]
            for name in self._faults
            if name in known
        ]
        before, _, after = self._split()
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        PAGE.write_text(f"{before}{table}{after}", encoding="utf-8")

    def _split(self) -> tuple[str, str, str]:
        before, start, rest = PAGE.read_text(encoding="utf-8").partition(self._start)
        table, end, after = rest.partition("<!-- end -->")
        assert start, f"{PAGE.name} has no {self._start.strip()}"
        assert end, f"{PAGE.name} does not say where the table ends"
        return before + start, table, end + after
