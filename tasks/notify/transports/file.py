"""Writes each mail as an .eml file named after its Message-ID: the default, and where archive runs end."""

import os
import re
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from models.folders import private_folder
from models.settings import Settings
from tasks.notify.transports.transport import About, Envelope, Limits, Outcome, Result

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@._+=-]")


class FileTransport:
    """One file a mail in ``settings.outbox_dir``: whole or not there, and the same however often it is sent."""

    name: ClassVar[str] = "file"
    about: ClassVar[About] = About(
        title="Files", recipient="", sends="each mail, as an .eml file in the data folder"
    )
    idempotent: ClassVar[bool] = True
    verbatim: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.outbox_dir

    @property
    def limits(self) -> Limits:
        return Limits()

    def send(self, envelope: Envelope) -> Outcome:
        path = self._folder / file_name(envelope.message_id)
        try:
            self._write(path, envelope.data)
        except OSError as error:
            return Outcome(Result.UNAVAILABLE, f"cannot write {path}: {error.strerror or error}")
        return Outcome(Result.SENT, provider_id=path.name)

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, path: Path, data: bytes) -> None:
        private_folder(path.parent)
        # A name of its own: two senders of the same mail must not write into one another's file.
        draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def file_name(message_id: str) -> str:
    """The file of a Message-ID: without its brackets and without anything a path could be made of."""
    return f"{_NOT_IN_NAMES.sub('_', message_id.strip('<>')).lstrip('.')}.eml"
