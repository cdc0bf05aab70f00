"""Classify: what kind of event an item is, how it reads, and how much it matters to a reader."""
