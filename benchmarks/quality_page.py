"""``docs/quality.md``: a measured part stands between marks, and only that part is replaced."""

from pathlib import Path
from typing import Any

from benchmarks import page

IMAGES = "images"


def image(target: Path, name: str) -> Path:
    """Where a part's plot goes: beside the page, in a folder that is made if need be."""
    folder = target.parent / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"quality-{name}.png"


def write(target: Path, name: str, machine: dict[str, Any], parts: list[str]) -> None:
    """Put the parts (paragraphs, tables, plots as markdown) between the page's marks of that name."""
    said = (
        f"{machine['date']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        f"load before the measurement {machine['load']}."
    )
    text = "\n\n".join([said, *parts])
    page.put(target, f"<!-- begin {name} -->", f"<!-- end {name} -->", text, "# Quality, measured\n")


def plot(name: str, says: str) -> str:
    """The markdown of a plot."""
    return f"![{says}]({IMAGES}/quality-{name}.png)"
