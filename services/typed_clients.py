"""A few clients as people type them: a line each, the name, then perhaps the domain."""

import re
from dataclasses import dataclass, field

from models.clients import every_client, open_assignments
from models.engine import writing
from models.scope import Scope
from services.accounts import lock_business, require_admin
from services.clients import ClientFields, add_client, assign, checked_fields, name_key
from services.errors import UserError

MOST = 200
"""Lines; more are a file's work."""
_SEPARATED = re.compile(r"\s*[,;\t]\s*")
_BARE_DOMAIN = re.compile(r"(.*\S)\s+((?:https?://|www\.)?[^\s@]+\.[a-z]{2,}\S*)", re.IGNORECASE)


@dataclass(slots=True)
class Typed:
    """What came of the lines."""

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Clients that were there already; nothing of them was changed."""
    faults: list[str] = field(default_factory=list)
    """What could not be read, with its line."""


def read_lines(text: str) -> list[tuple[int, ClientFields | str]]:
    """Each line that says something: its number, and the client, or what is wrong with it."""
    found: list[tuple[int, ClientFields | str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, _read(line.strip())))
        except UserError as error:
            found.append((number, str(error)))
    return found


def add_typed(scope: Scope, text: str, *, mine: bool = True) -> Typed:
    """Watch the clients that are typed; with ``mine`` the scope's person looks after them, beside whoever does.

    Lines that cannot be read are named, and the others go in. UserError when there is no line, or too many.
    """
    require_admin(scope)
    lines = read_lines(text)
    if not lines:
        raise UserError("there is no name in it", "type one client a line, such as: Acme Robotics, acme.com")
    if len(lines) > MOST:
        raise UserError(f"these are {len(lines)} lines, and {MOST} are the most", "put them into a CSV file")
    done = Typed()
    with writing(scope) as session:
        lock_business(scope, session)
        known = {name_key(client.name): client for client in every_client(scope, session)}
        assigned = open_assignments(scope, session)
        for number, fields in lines:
            if isinstance(fields, str):
                done.faults.append(f"line {number}: {fields}")
                continue
            client = known.get(name_key(fields.name))
            if client is None:
                client = known[name_key(fields.name)] = add_client(scope, session, fields)
                done.added.append(client.name)
            elif client.archived_at is not None:
                done.faults.append(f"line {number}: {client.name} is archived: restore it to watch it again")
                continue
            elif client.name not in done.added:
                done.known.append(client.name)
            if mine and scope.user_id is not None:
                people = assigned.setdefault(client.id, set())
                people.add(scope.user_id)
                assign(scope, session, client, people)
    return done


def _read(line: str) -> ClientFields:
    name, *rest = _SEPARATED.split(line)
    rest = [part for part in rest if part]
    bare = None if rest else _BARE_DOMAIN.fullmatch(line)
    if bare is not None:
        name, rest = bare[1], [bare[2]]
    if len(rest) > 1:
        raise UserError(f"{line[:80]!r} has more than a name and a domain")
    return checked_fields({"name": name, "domain": rest[0] if rest else None})
