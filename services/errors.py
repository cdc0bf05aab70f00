"""Errors a person can mend."""


class UserError(Exception):
    """Something the person at the keyboard can put right: what happened, and how to mend it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend
