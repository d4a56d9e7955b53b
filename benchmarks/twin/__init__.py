"""How quick the twin is, beside other ways to simulate the same system: `python -m benchmarks.twin`."""
