"""Story identity: canonical URL, exact content, then same-event grouping.

`stage`, `drafts`, `seats` and `moves` are the ledger's side; everything else is pure: no database, no network,
no clock.
"""
