"""The outside world over HTTP: bounded in time, size and attempts, guarded against private addresses."""
