"""Search: ask every source, keep what it gave and say how it went."""
