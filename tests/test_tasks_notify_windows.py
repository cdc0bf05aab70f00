"""Windows: one a local date and one an ISO week, in every zone, whatever its clocks do."""

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from itertools import islice
from zoneinfo import ZoneInfo, available_timezones

import pytest
from conftest import NOW
from hypothesis import given
from hypothesis import strategies as st

from tasks.notify.windows import (
    daily_before,
    daily_slot,
    daily_window,
    in_quiet_hours,
    instant_window,
    latest_daily,
    latest_weekly,
    local_day,
    occurs,
    resolve,
    weekly_before,
    weekly_slot,
    weekly_window,
    zone_of,
)

ZONES = sorted(available_timezones() - {"localtime"})
DAY = timedelta(days=1)
TIMES = [time(0), time(0, 30), time(1, 30), time(2), time(2, 30), time(3), time(8), time(23, 59)]

zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(
    (NOW - 2000 * DAY).replace(tzinfo=None), (NOW + 2000 * DAY).replace(tzinfo=None), timezones=st.just(UTC)
)
clock_times = st.times().map(lambda at: at.replace(microsecond=0, fold=0))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def changes(zone: ZoneInfo, first: date, last: date) -> tuple[date, ...]:
    """Local dates within reach of a change of clocks."""
    found = []
    day = first
    while day < last:
        noon = datetime.combine(day, time(12), UTC)
        if noon.astimezone(zone).utcoffset() != (noon + DAY).astimezone(zone).utcoffset():
            found += [day, day + DAY, day + 2 * DAY]
        day += DAY
    return tuple(found)


def first_instant_not_before(local: datetime, zone: ZoneInfo) -> datetime:
    """The definition, by brute force: the first minute whose wall clock shows ``local`` or, if none does, the first
    after the gap that swallowed it."""
    start = local.replace(tzinfo=UTC) - 27 * timedelta(hours=1)
    passed = None
    for minute in range(54 * 60):
        instant = start + timedelta(minutes=minute)
        shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        if shown == local:
            return instant
        if passed is None and shown > local:
            passed = instant
    assert passed is not None
    return passed


@pytest.mark.parametrize(
    ("zone", "day", "at", "due"),
    [
        ("Europe/Berlin", "2026-03-10", time(8), "2026-03-10T07:00"),
        ("Europe/Berlin", "2026-03-29", time(2, 30), "2026-03-29T01:00"),  # gap
        ("Europe/Berlin", "2026-10-25", time(2, 30), "2026-10-25T00:30"),  # fold: the first
        ("Australia/Lord_Howe", "2026-10-04", time(2, 15), "2026-10-03T15:30"),  # a gap of half an hour
        ("Australia/Lord_Howe", "2026-04-05", time(1, 45), "2026-04-04T14:45"),
        ("America/Nuuk", "2024-03-30", time(23, 30), "2024-03-31T01:00"),  # the gap ends the day
        ("Africa/Cairo", "2026-04-24", time(0), "2026-04-23T22:00"),  # there is no midnight
        ("America/Santiago", "2026-04-04", time(23, 30), "2026-04-05T02:30"),
        ("Pacific/Apia", "2011-12-30", time(8), "2011-12-30T10:00"),  # there was no such date
        ("Pacific/Kiritimati", "2026-01-01", time(0), "2025-12-31T10:00"),
    ],
)
def test_known_windows(zone, day, at, due):
    assert daily_window(date.fromisoformat(day), at, ZoneInfo(zone)) == utc(due)


def test_a_date_that_a_zone_left_out_has_no_window():
    apia = ZoneInfo("Pacific/Apia")
    assert not occurs(date(2011, 12, 30), apia)
    slots = [window.slot for window in islice(daily_before(utc("2011-12-31T12:00"), time(8), apia), 3)]
    assert slots == ["daily:2011-12-31", "daily:2011-12-29", "daily:2011-12-28"]


def test_slots_and_ticks():
    assert daily_slot(date(2026, 3, 10)) == "daily:2026-03-10"
    assert weekly_slot(date(2026, 3, 10)) == "weekly:2026-W11"
    assert weekly_slot(date(2027, 1, 1)) == "weekly:2026-W53"
    tick = instant_window(utc("2026-03-10T09:34:59.999"))
    assert (tick.slot, tick.at) == ("instant:2026-03-10T09:30Z", utc("2026-03-10T09:30"))


def test_weekly_by_iso_week():
    berlin = ZoneInfo("Europe/Berlin")
    assert weekly_window(2026, 53, 4, time(8), berlin) == utc("2027-01-01T07:00")
    assert latest_weekly(utc("2026-03-10T09:00"), 0, time(8), berlin).slot == "weekly:2026-W11"
    assert latest_weekly(utc("2026-03-10T09:00"), 4, time(8), berlin).slot == "weekly:2026-W10"


def test_an_unknown_zone_is_none():
    assert zone_of("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    for name in ("Nowhere/Land", "", "../etc/passwd", "Europe", "x" * 300):
        assert zone_of(name) is None


@given(zones, moments, clock_times)
def test_the_latest_daily_window_is_due_and_the_next_is_not(zone, now, at):
    window = latest_daily(now, at, zone)
    day = date.fromisoformat(window.slot.removeprefix("daily:"))
    assert window.at == daily_window(day, at, zone)
    assert window.at <= now
    following = day + DAY if occurs(day + DAY, zone) else day + 2 * DAY
    assert daily_window(following, at, zone) > now


@given(zones, moments, clock_times, st.integers(0, 6))
def test_the_latest_weekly_window_is_due_and_the_next_is_not(zone, now, at, weekday):
    window = latest_weekly(now, weekday, at, zone)
    year, week = (int(part) for part in window.slot.removeprefix("weekly:").split("-W"))
    assert window.at == weekly_window(year, week, weekday, at, zone)
    assert window.at <= now
    day = date.fromisocalendar(year, week, weekday + 1) + 7 * DAY
    assert daily_window(day, at, zone) > now


@given(zones, moments, clock_times)
def test_windows_go_back_a_date_at_a_time_without_a_repeat(zone, now, at):
    daily = list(islice(daily_before(now, at, zone), 10))
    assert len({window.slot for window in daily}) == 10
    assert [window.at for window in daily] == sorted((window.at for window in daily), reverse=True)
    weekly = list(islice(weekly_before(now, 2, at, zone), 10))
    assert len({window.slot for window in weekly}) == 10


@given(zones, moments)
def test_the_local_day_holds_now_and_touches_its_neighbours(zone, now):
    start, end = local_day(now, zone)
    if now.astimezone(zone).fold == 0:
        assert start <= now < end
    assert start == daily_window(now.astimezone(zone).date(), time(0), zone)


def test_every_zone_resolves_by_the_definition_around_its_changes():
    chance = random.Random(7)
    for name in chance.sample(ZONES, 40):
        zone = ZoneInfo(name)
        near = changes(zone, date(2026, 1, 1), date(2027, 1, 1))
        for day in near[:2]:
            local = datetime.combine(day, chance.choice(TIMES))
            assert resolve(local, zone) == first_instant_not_before(local, zone), (name, local)


def assert_one_window_a_date(name: str, days: list[date], at: time) -> None:
    zone = ZoneInfo(name)
    for day in days:
        if not occurs(day, zone):
            continue
        due = daily_window(day, at, zone)
        # A tick sees exactly this slot from the moment it is due.
        assert latest_daily(due, at, zone).slot == daily_slot(day), (name, day, at)
        assert latest_daily(due - timedelta(seconds=1), at, zone).slot != daily_slot(day), (name, day, at)


def test_one_window_a_date_in_every_zone_this_year():
    for name in ZONES:
        near = changes(ZoneInfo(name), date(2026, 1, 1), date(2027, 1, 1))
        days = sorted({*near, date(2026, 2, 28), date(2026, 12, 31)})
        assert_one_window_a_date(name, days, time(2, 30))


def distinct_zones() -> list[str]:
    """One name of each zone: many are aliases, the same file under another name."""
    data = resources.files("tzdata") / "zoneinfo"
    by_content = {data.joinpath(*name.split("/")).read_bytes(): name for name in ZONES}
    return sorted(by_content.values())


@pytest.mark.full
@pytest.mark.parametrize("at", [time(0), time(0, 30), time(2, 30), time(23, 59)], ids=str)
def test_one_window_a_date_in_every_zone_over_ten_years(at):
    days = [date(2020, 1, 1) + number * DAY for number in range(3653)]
    for name in distinct_zones():
        zone = ZoneInfo(name)
        due = [daily_window(day, at, zone) for day in days if occurs(day, zone)]
        assert len(set(due)) == len(due), name
        assert due == sorted(due), name
        assert_one_window_a_date(name, sorted(set(changes(zone, days[0], days[-1]))), at)


@pytest.mark.full
@pytest.mark.parametrize("weekday", [0, 4, 6])
def test_one_window_an_iso_week_in_every_zone_over_ten_years(weekday):
    """From 2011 on, when a zone left out a Friday: its week has a window all the same."""
    monday = date(2011, 1, 3)
    weeks = [(monday + 7 * number * DAY).isocalendar()[:2] for number in range(523)]
    for name in distinct_zones():
        zone = ZoneInfo(name)
        due = [weekly_window(*week, weekday, time(2, 30), zone) for week in weeks]
        assert due == sorted(set(due)), name
        slots = [weekly_slot(date.fromisocalendar(*week, weekday + 1)) for week in weeks]
        assert len(set(slots)) == len(weeks)
        for at, slot, before in zip(due[1:], slots[1:], slots, strict=False):
            assert latest_weekly(at, weekday, time(2, 30), zone).slot == slot, (name, slot)
            second_earlier = latest_weekly(at - timedelta(seconds=1), weekday, time(2, 30), zone)
            assert second_earlier.slot == before, (name, slot)


@given(st.lists(st.tuples(zones, clock_times), min_size=1, max_size=4), moments)
def test_one_slot_a_local_date_though_zone_and_time_change(settings, start):
    """A tick every hour for four days, the person moving or changing the hour in between: a slot is used once, slots
    never pile up, and no window is older than two days."""
    used: dict[str, datetime] = {}
    for hour in range(96):
        zone, at = settings[hour * len(settings) // 96]
        now = start + timedelta(hours=hour)
        window = latest_daily(now, at, zone)
        used.setdefault(window.slot, now)
        assert now - window.at < 2 * DAY
    dates = sorted(date.fromisoformat(slot.removeprefix("daily:")) for slot in used)
    assert len(dates) <= 7
    assert dates[-1] - dates[0] <= 6 * DAY


def test_quiet_hours():
    berlin = ZoneInfo("Europe/Berlin")
    night = (time(22), time(7))
    assert in_quiet_hours(utc("2026-03-10T21:00"), *night, berlin)  # 22:00
    assert in_quiet_hours(utc("2026-03-10T05:59"), *night, berlin)
    assert not in_quiet_hours(utc("2026-03-10T06:00"), *night, berlin)
    noon = (time(12), time(13))
    assert in_quiet_hours(utc("2026-03-10T11:30"), *noon, berlin)
    assert not in_quiet_hours(utc("2026-03-10T12:00"), *noon, berlin)
    for none in ((None, time(7)), (time(22), None), (time(7), time(7))):
        assert not in_quiet_hours(NOW, *none, berlin)
