"""How fast it is, how much memory it takes, and what Prefect adds: ``python -m benchmarks``, or ``make bench``."""
