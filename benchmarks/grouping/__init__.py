"""Story grouping beside the tools one would otherwise take: ``python -m benchmarks stories`` and ``batches``."""
