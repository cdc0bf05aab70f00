"""What a field of a form or file may hold: e-mail addresses, time zones, times of day, weekdays."""

import re
from datetime import time
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BeforeValidator

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TRUE, _FALSE = {"yes", "y", "true", "1", "on"}, {"no", "n", "false", "0", "off", ""}


def email_address(text: object) -> str:
    """The address in lower case; ValueError says what is wrong with it."""
    address = str(text).strip()
    if not address:
        raise ValueError("an e-mail address is missing")
    local, at, domain = address.rpartition("@")
    labels = domain.split(".")
    if not at or not local:
        raise ValueError(f"{address!r} is no e-mail address: it needs a name, an @ and a domain")
    if not address.isascii():
        raise ValueError(f"{address!r} has characters that mail cannot carry in an address")
    if len(address) > 254 or len(local) > 64 or not _LOCAL.fullmatch(local):
        raise ValueError(f"{address!r} is no e-mail address: the part before the @ is not allowed")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise ValueError(f"{address!r} is no e-mail address: {domain!r} is no domain")
    return address.lower()


def name_from_address(address: str) -> str:
    """A name to show for somebody we know only by address: ``maria.lopez@…`` is Maria Lopez."""
    words = re.split(r"[._+-]+", re.sub(r"\d+$", "", address.partition("@")[0]))
    return " ".join(word.capitalize() for word in words if word) or address


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    # "localtime" and "posix/…" differ by machine; people mean the named zones.
    named = (zone for zone in available_timezones() if "/" in zone or zone in {"UTC", "GMT"})
    return {zone.lower(): zone for zone in named}


def zone_names() -> tuple[str, ...]:
    """Every zone that ``zone_name`` knows, for a choice."""
    return tuple(sorted(_zones().values()))


def zone_name(text: object) -> str:
    """The IANA name of a zone, in its own spelling; ValueError when there is none of that name."""
    zone = _zones().get(str(text).strip().lower().replace(" ", "_"))
    if zone is None:
        raise ValueError(
            f"{str(text)!r} is no time zone: use a name such as Europe/Paris or America/New_York"
        )
    return zone


def time_of_day(text: object) -> time:
    """``8:00`` or ``08:00`` as a time; ValueError for anything else."""
    if isinstance(text, time):
        return text.replace(second=0, microsecond=0, tzinfo=None)
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", str(text).strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f"{str(text)!r} is no time of day: use 24 hours, such as 08:00 or 17:30")
    return time(int(found[1]), int(found[2]))


def weekday(text: object) -> int:
    """0 (Monday) to 6, from a number or a day's English name or its first three letters."""
    word = str(text).strip().lower()
    if re.fullmatch(r"[0-6]", word):
        return int(word)
    for number, day in enumerate(DAYS):
        if word in (day, day[:3]):
            return number
    raise ValueError(f"{str(text)!r} is no weekday: use Monday to Sunday, or 0 (Monday) to 6")


def yes_or_no(text: object) -> bool:
    """Yes, true, 1, on, and their opposites."""
    if isinstance(text, bool):
        return text
    word = str(text).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{str(text)!r} is neither yes nor no")
    return word in _TRUE


def domain_name(text: object) -> str:
    """A bare domain in lower case, from a domain or a web address; ValueError when there is none in it."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", str(text).strip().lower())
    bare = re.split(r"[/?#:]", bare)[0].removeprefix("www.").rstrip(".")
    try:
        ascii_form = bare.encode("idna").decode() if not bare.isascii() else bare
    except UnicodeError:
        ascii_form = ""
    labels = ascii_form.split(".")
    if len(ascii_form) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{str(text)!r} is no domain: use a name such as example.com")
    return ascii_form


Email = Annotated[str, BeforeValidator(email_address)]
Zone = Annotated[str, BeforeValidator(zone_name)]
TimeOfDay = Annotated[time, BeforeValidator(time_of_day)]
Weekday = Annotated[int, BeforeValidator(weekday)]
YesNo = Annotated[bool, BeforeValidator(yes_or_no)]
