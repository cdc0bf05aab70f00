"""Addresses, zones, times, days, domains."""

from datetime import time

import pytest

from services.fields import (
    domain_name,
    email_address,
    name_from_address,
    time_of_day,
    weekday,
    yes_or_no,
    zone_name,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Maria@Example.com ", "maria@example.com"),
        ("a.b+tag@sub.example.co", "a.b+tag@sub.example.co"),
        ("o'neil@example.com", "o'neil@example.com"),
    ],
)
def test_good_addresses(text: str, address: str) -> None:
    assert email_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maria",
        "@example.com",
        "maria@",
        "maria@localhost",
        "a@b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "maria@exa mple.com",
        "maria@-example.com",
        "maria@example..com",
        "maria@127.0.0.1",
        "maría@example.com",
        "a@example.com\nBcc: b@example.com",
        "Maria <maria@example.com>",
        "x" * 65 + "@example.com",
        "a@" + "b" * 64 + ".com",
    ],
)
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        email_address(text)


def test_names_from_addresses() -> None:
    assert name_from_address("maria.lopez-garcia2@example.com") == "Maria Lopez Garcia"
    assert name_from_address("42@example.com") == "42@example.com"


def test_zones_are_iana_names_in_their_own_spelling() -> None:
    assert zone_name("europe/paris") == "Europe/Paris"
    assert zone_name("America/New York") == "America/New_York"
    assert zone_name("utc") == "UTC"
    for bad in ("Paris", "CET+1", "localtime", "", "../etc/passwd", "Europe/Atlantis"):
        with pytest.raises(ValueError, match="no time zone"):
            zone_name(bad)


def test_times_and_days() -> None:
    assert time_of_day("8:05") == time(8, 5)
    assert time_of_day("17:30:00") == time(17, 30)
    for bad in ("24:00", "8", "8.30", "17:60", "noon", "8:5"):
        with pytest.raises(ValueError, match="no time of day"):
            time_of_day(bad)
    assert [weekday(day) for day in ("Monday", "sun", "3", 6)] == [0, 6, 3, 6]
    for bad in ("7", "someday", "", "m"):
        with pytest.raises(ValueError, match="no weekday"):
            weekday(bad)


def test_yes_and_no() -> None:
    assert [yes_or_no(word) for word in ("Yes", "1", True, "no", "off", "")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="neither"):
        yes_or_no("maybe")


def test_domains() -> None:
    assert domain_name("https://www.Example.com/about?x=1") == "example.com"
    assert domain_name("münchen.example.de") == "xn--mnchen-3ya.example.de"
    for bad in ("example", "exa mple.com", "http://", ".com", "a..b"):
        with pytest.raises(ValueError, match="no domain"):
            domain_name(bad)
