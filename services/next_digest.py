"""When a reader's next digest is due, by the windows that planning goes by."""

from datetime import datetime, timedelta

from tasks.notify.planning import Reader

_AT_MOST = timedelta(days=8)
"""Between two weekly windows lie seven days, and an hour where clocks change."""


def next_digest(reader: Reader, now: datetime) -> datetime | None:
    """The first window after ``now`` (UTC) at which the reader is there; None for an absence without an end."""
    absence = reader.absence
    horizon = now + _AT_MOST
    if absence is not None and (absence.ends is None or absence.ends > now):
        if absence.ends is None:
            horizon = max(now, min(horizon, absence.starts))
        else:
            horizon = max(horizon, absence.ends + _AT_MOST)
    found = None
    for window in reader.windows(horizon):
        if window.at <= now:
            return found
        found = window.at
    return found
