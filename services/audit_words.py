"""What a line of the audit log says in plain words, and under which heading people look for it."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any
from uuid import UUID


class Topic(StrEnum):
    """What people filter the log by."""

    PEOPLE = "people"
    SIGN_IN = "sign_in"
    CLIENTS = "clients"
    SERVICES = "services"
    MAIL = "mail"
    RULES = "rules"
    RUNS = "runs"
    BUSINESS = "business"


_FAMILIES: Mapping[Topic, tuple[str, ...]] = {
    Topic.PEOPLE: ("user", "users", "preferences", "invitation"),
    Topic.SIGN_IN: ("session", "credential", "new_address", "reset", "api", "api_key"),
    Topic.CLIENTS: ("client", "clients", "assignment", "portfolio"),
    Topic.SERVICES: ("provider",),
    Topic.MAIL: ("mail", "sending", "suppression", "tracking", "appearance"),
    Topic.RULES: ("feedback", "pattern"),
    Topic.RUNS: ("run", "schedule", "alert"),
    Topic.BUSINESS: ("business", "first_steps", "audit"),
}

_SAYS: Mapping[str, str] = {
    "api.signed_in": "signed {who} in by the API",
    "api.signed_out": "signed {who} out of the API",
    "api.token_reused": "ended {ended} API sessions of {who}: an old token was used again",
    "api_key.created": "made the API key {name} ({role})",
    "api_key.revoked": "revoked the API key {name}",
    "appearance.changed": "changed how mails look: {fields}",
    "appearance.logo_removed": "took the logo out of mails",
    "appearance.logo_set": "put a logo at the head of mails: {width} × {height} dots",
    "appearance.reset": "gave mails the product's own look again",
    "assignment.ended": "took {client} from {user}",
    "assignment.started": "gave {client} to {user}",
    "audit.exported": "took the audit log as a file",
    "business.created": "made this business",
    "business.renamed": "renamed the business from {old} to {new}",
    "business.silence_changed": "changed after how many silent days it is said: {old} → {new}",
    "client.archived": "archived {client}",
    "client.created": "added the client {client}",
    "client.muted": "muted {client}",
    "client.restored": "restored {client}",
    "client.threshold_changed": "set a threshold for {client}: {threshold}",
    "client.unmuted": "unmuted {client}",
    "client.updated": "changed {client}: {fields}",
    "clients.exported": "took the portfolio as a file: {clients} clients",
    "clients.imported": "imported clients from {subject}: {created} new, {updated} changed, {refused} refused",
    "credential.changed": "changed the password of {who}; browsers signed out: {sessions_ended}",
    "credential.rests": "refused to sign {who} in after {failures} wrong passwords in a row",
    "feedback.given": "said {verdict} of an item of {client}; {effect}",
    "feedback.undone": "took back {verdict} of an item of {client}",
    "first_steps.ended": "ended the first steps",
    "first_steps.resumed": "took up the first steps again",
    "invitation.mailed": "mailed {who} an invitation",
    "mail.exported": "took the email log as a file",
    "mail.read": "read a mail of {reader}",
    "mail.resolved": "said what became of a mail of unknown fate",
    "mail.retried": "had a failed mail sent again",
    "new_address.mailed": "asked for another address for {who}",
    "pattern.added": "added a pattern for {category}: {phrase}",
    "pattern.removed": "removed the pattern {phrase}",
    "portfolio.imported": "imported the portfolio from {subject}",
    "preferences.changed": "changed the preferences of {who}: {fields}",
    "provider.disabled": "switched {provider} off",
    "provider.enabled": "switched {provider} on, or changed it; options: {options}; keys: {keys}",
    "reset.mailed": "had a link for a new password mailed to {who}",
    "run.handed_on": "handed a run that had lost its process on to another, attempt {attempt}",
    "run.started": "started a run; clients: {clients}",
    "schedule.changed": "changed the schedule {name}: {fields}",
    "schedule.created": "made the schedule {name} ({type})",
    "schedule.deleted": "deleted the schedule {name}",
    "schedule.disabled": "stopped the schedule {name} after {failures} failures in a row",
    "schedule.orphan_removed": "removed a schedule from Prefect that nobody here knows",
    "schedule.paused": "paused the schedule {name}",
    "schedule.paused_in_prefect": "the schedule {name} was paused in Prefect",
    "schedule.resumed": "resumed the schedule {name}",
    "schedule.resumed_in_prefect": "the schedule {name} was resumed in Prefect",
    "schedule.started": "started the schedule {schedule} by hand",
    "sending.held": "stopped all sending: {reason}",
    "sending.released": "resumed sending",
    "session.ended": "signed out",
    "session.revoked": "signed {who} out of {sessions} browsers",
    "session.started": "signed in",
    "suppression.added": "stopped mail to an address: {reason}",
    "suppression.lifted": "allowed mail to an address again: {because}",
    "tracking.consent_given": "agreed to opens and clicks under their name",
    "tracking.consent_withdrawn": "withdrew that consent; what was kept is erased",
    "tracking.disabled": "turned tracking off",
    "tracking.enabled": "turned tracking on",
    "user.activated": "{who} became active",
    "user.address_changed": "confirmed another address for {who}",
    "user.created": "added {who}",
    "user.deactivated": "deactivated {who}; browsers signed out: {sessions_ended}",
    "user.invited": "invited {who} as {role}",
    "user.joined": "{who} accepted the invitation",
    "user.reactivated": "let {who} back in",
    "user.role_changed": "changed the role of {who} from {old} to {new}",
    "user.updated": "changed {who}: {fields}",
    "users.imported": "imported people from {subject}: {created} new, {updated} changed, {refused} refused",
}


def families_of(topic: Topic) -> Collection[str]:
    """First words of the actions of a topic."""
    return _FAMILIES[topic]


def topic_of(action: str) -> Topic | None:
    """The topic an action belongs to; None for one that nobody has sorted yet."""
    family = action.partition(".")[0]
    return next((topic for topic, families in _FAMILIES.items() if family in families), None)


def ids_in(subject: str, details: Mapping[str, Any]) -> set[UUID]:
    """What may be the id of a person or a client in a line."""
    found = set()
    for text in (subject, *details.values()):
        try:
            found.add(UUID(text))
        except (ValueError, TypeError, AttributeError):
            continue
    return found


def sentence(action: str, subject: str, details: Mapping[str, Any], names: Mapping[UUID, str]) -> str:
    """The line in words, without who did it. ``names`` are those of people and clients that are still there."""
    template = _SAYS.get(action)
    if template is None:
        told = ", ".join(f"{key.replace('_', ' ')}: {_word(value, names)}" for key, value in details.items())
        what = action.replace(".", ": ").replace("_", " ")
        return f"{what} ({told})" if told else what
    said = template.format_map(_Parts(subject, details, names))
    return said.removesuffix("; options: –; keys: –").removesuffix("; keys: –").removesuffix(": –")


class _Parts(dict[str, str]):
    """What a template may ask for; "–" for what the line does not have."""

    def __init__(self, subject: str, details: Mapping[str, Any], names: Mapping[UUID, str]) -> None:
        super().__init__({key: _word(value, names) for key, value in details.items()})
        whose = _word(subject, names)
        self["subject"] = whose
        self["who"] = whose
        self["provider"] = subject.rpartition("/")[2].replace("_", " ")
        self["client"] = self.get("client") or details.get("name") or whose

    def __missing__(self, key: str) -> str:
        return "–"


def _word(value: Any, names: Mapping[UUID, str]) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_word(one, names) for one in value) or "–"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_word(one, names)}" for key, one in value.items()) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, ""):
        return "–"
    try:
        return names.get(UUID(str(value)), "somebody or something that is gone")
    except ValueError:
        return str(value).replace("_", " ") if str(value).islower() else str(value)
