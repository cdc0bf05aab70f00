"""People in words: what a role may, when somebody was here."""

from datetime import datetime

from models.scope import Role
from services.people import PersonLine
from ui.parts.words import ago, words

MAY = {
    Role.OWNER: "everything, other owners included",
    Role.ADMIN: "clients, people and settings; not owners",
    Role.MANAGER: "everything of their own clients, feedback and notes",
    Role.VIEWER: "reading, and their own mail",
}


def role_words(role: Role) -> str:
    """A role with what it may."""
    return f"{words(role.value)}: {MAY[role]}"


def seen(one: PersonLine, now: datetime) -> str:
    """When they were last here."""
    return f"last seen {ago(one.seen_at, now=now)}" if one.seen_at else "not seen lately"
