"""When a reader's next digest is due: by the same windows that planning goes by, absences and zones included."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import NOW
from hypothesis import given
from hypothesis import strategies as st

from models.accounts import Frequency, User, UserPreference
from models.base import new_id
from services.next_digest import next_digest
from tasks.filter.absence import absence_of
from tasks.notify.planning import Reader


def reader(zone: str = "Europe/Berlin", *, user: dict[str, Any] | None = None, **wants: Any) -> Reader:
    business, user_id = new_id(), new_id()
    person = User(
        id=user_id, business_id=business, email="a@example.com", name="A", timezone=zone, **(user or {})
    )
    preference = UserPreference(business_id=business, user_id=user_id, **wants)
    return Reader(person, preference, ZoneInfo(zone), absence_of(person))


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wants", "due"),
    [
        ({"digest_time": time(8, 0)}, at(11, 7)),
        ({"digest_time": time(18, 0)}, at(10, 17)),
        ({"digest_time": time(18, 0), "notification_frequency": Frequency.INSTANT}, at(10, 17)),
        ({"notification_frequency": Frequency.WEEKLY, "digest_day_of_week": 0}, at(16, 7)),
        ({"notification_frequency": Frequency.WEEKLY, "digest_day_of_week": 3}, at(12, 7)),
    ],
)
def test_it_is_the_first_window_after_now(wants: dict[str, Any], due: datetime) -> None:
    assert next_digest(reader(**wants), NOW) == due


def test_it_waits_for_who_is_away() -> None:
    away = {"absent_from": date(2026, 3, 10), "absent_until": date(2026, 4, 20)}
    # Summer time by then: eight o'clock is six.
    assert next_digest(reader(user=away), NOW) == at(21, 6, month=4)
    assert next_digest(reader(user={"absent_from": date(2026, 3, 1)}), NOW) is None
    soon = {"absent_from": date(2026, 3, 12)}
    assert next_digest(reader(user=soon), NOW) == at(11, 7)
    over = {"absent_from": date(2026, 3, 1), "absent_until": date(2026, 3, 5)}
    assert next_digest(reader(user=over), NOW) == at(11, 7)


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
    frequency=st.sampled_from(Frequency),
    clock=st.times().map(lambda found: found.replace(second=0, microsecond=0)),
    weekday=st.integers(0, 6),
)
def test_planning_finds_that_window_and_none_before_it(
    zone: str, moment: datetime, frequency: Frequency, clock: time, weekday: int
) -> None:
    one = reader(zone, notification_frequency=frequency, digest_time=clock, digest_day_of_week=weekday)
    due = next_digest(one, moment)
    assert due is not None
    assert moment < due
    assert next(one.windows(due)).at == due
    assert next(one.windows(due - timedelta(seconds=1))).at <= moment
