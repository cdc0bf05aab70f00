"""One file a resource: what it takes and shows, and which service does it."""
