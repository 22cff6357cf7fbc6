"""What this project measured of games; `minimax_l2l.lab.family.Family` says what benchmarks are called with."""
