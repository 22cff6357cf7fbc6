"""What this project measured: benchmarks, stress tests, transfer and speed."""
