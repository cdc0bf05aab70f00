"""Files that people give."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol


class Upload(Protocol):
    """What a file field returns."""

    name: str

    def getvalue(self) -> bytes: ...


@contextmanager
def on_disk(upload: Upload) -> Iterator[Path]:
    """The file under its own name in a folder that goes afterwards, for a service that reads files."""
    name = "".join(char for char in Path(upload.name).name if char.isprintable() and char not in "\\/:")[:120]
    with TemporaryDirectory(prefix="upload-") as folder:
        path = Path(folder) / (name.lstrip(".") or "file")
        path.write_bytes(upload.getvalue())
        yield path
