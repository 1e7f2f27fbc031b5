"""What the benchmarks share: one run in its own process, results, tables, derivative tasks."""
