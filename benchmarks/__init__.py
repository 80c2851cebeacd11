"""Benchmarks: one module a table. `python -m benchmarks` measures them all and writes RESULTS.md and results.json."""
