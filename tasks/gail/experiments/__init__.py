"""What this project measured; `minimax_l2l.lab.family.Family` says what benchmarks are called with."""

from tasks.gail.extras import require_libraries

require_libraries()
