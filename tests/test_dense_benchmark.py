"""The benchmark of the dense updater measures what it says, here at a size that takes no time."""

import importlib.util
import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from minimax_l2l import DenseMLPUpdater

FILE = Path(__file__).parents[1] / "benchmarks" / "dense_updater.py"
SPEC = importlib.util.spec_from_file_location("dense_updater", FILE)
assert SPEC is not None
assert SPEC.loader is not None
benchmark = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(benchmark)
SIZES = ("--size", "--steps")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
def test_there_is_a_row_for_each_way_and_the_weights_agree(monkeypatch):
    """Memory is compared of two, which play in processes of their own; the third may play in this one."""
    run = benchmark.subprocess.run

    def run_or_play(command, **options):
        if "for-loop" not in command:
            return run(command, **options)
        row = benchmark.measure("for-loop", *(int(command[command.index(name) + 1]) for name in SIZES))
        return CompletedProcess(command, 0, json.dumps(row))

    monkeypatch.setattr(benchmark.subprocess, "run", run_or_play)
    rows = benchmark.rows(size=400, steps=1, compare_size=40)
    assert [row["method"] for row in rows] == ["naive", "for-loop", "streaming"]
    assert all(row["weights"] == 52 * 400**2 + 13 * 400 + 2 for row in rows)
    assert all(row["seconds"] > 0 and row["cpu_seconds"] > 0 for row in rows)
    assert 0 <= rows[2]["largest_difference"] < 1e-6
    naive, streaming = (row["peak_bytes_above_weights_and_moments"] for row in (rows[0], rows[2]))
    assert naive > streaming + 2 * rows[0]["weights"]  # the gradient has 4 bytes a weight, a block 8 MiB


def test_another_step_is_seen_in_the_difference(monkeypatch):
    monkeypatch.setitem(benchmark.ADAM, "lr", 1.0)
    build = benchmark.build

    def spoiled(variant, size):
        updater, adam = build(variant, size)
        if variant == "streaming":
            adam.param_groups[0]["lr"] = 0.5
        return updater, adam

    monkeypatch.setattr(benchmark, "build", spoiled)
    assert benchmark.largest_difference(10, 1) > 0.1


@pytest.mark.parametrize(("variant", "each"), [("naive", 32), ("for-loop", 96), ("streaming", 24)])
def test_bytes_are_those_of_the_arithmetic(variant, each):
    """16, 32 and 4 m^2 weights; all are read forward, the last two backward."""
    assert benchmark.bytes_moved(variant, DenseMLPUpdater(3)) == 9 * (4 * 52 + 4 * 36 + each * 52)
