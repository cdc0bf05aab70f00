"""Story identity: canonical URL, exact content, then same-event grouping.

`urls`, `text`, `features`, `linkage`, `updates` and `stories` are pure: no database, no network, no clock.
"""
