"""Folders for what is nobody else's business: the database, mails as files, keys."""

from pathlib import Path

PRIVATE = 0o700
"""For its owner only; who lets a group in changes the mode, and it is left so."""


def private_folder(folder: Path) -> None:
    """Make the folder, and what is missing on the way to it, with mode 0700; what exists keeps its mode.

    Where modes mean nothing (Windows) the folder inherits its parent's rights.
    """
    # Path.mkdir(parents=True) gives its mode to the last folder only.
    if not folder.parent.exists():
        private_folder(folder.parent)
    folder.mkdir(mode=PRIVATE, exist_ok=True)
