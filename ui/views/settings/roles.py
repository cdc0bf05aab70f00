"""Roles in words."""

from models.scope import Role
from ui.parts.words import words

MAY = {
    Role.OWNER: "everything, other owners included",
    Role.ADMIN: "clients, people and settings; not owners",
    Role.MANAGER: "everything of their own clients, feedback and notes",
    Role.VIEWER: "reading, and their own mail",
}


def role_words(role: Role) -> str:
    """A role with what it may."""
    return f"{words(role.value)}: {MAY[role]}"
