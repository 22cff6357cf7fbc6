"""What this project measured: benchmarks, stress tests, transfer and speed."""

from tasks.gail.extras import require_libraries

require_libraries()
