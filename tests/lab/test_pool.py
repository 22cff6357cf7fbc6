"""Many jobs are played side by side, wherever joblib is told to, and nothing new begins after Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import joblib
import pytest
import torch

from minimax_l2l.lab.pool import play_all
from minimax_l2l.lab.runs import play
from tasks.games.presets.limit_cycle import NAME, LimitCyclePreset


def square(number: int) -> tuple[int, int, int]:
    return number**2, os.getpid(), torch.get_num_threads()


def leave_a_mark(number: int, *, folder: Path, fails: type[BaseException]) -> int:
    (folder / str(number)).touch()
    if number == 2:
        raise fails("at two")
    return number


def play_game(seed: int, *, home: Path) -> bytes:
    folder = home / f"seed-{seed}"
    play(NAME, LimitCyclePreset(seed=seed, iterations=2, games=4, inner_steps=16), folder, device="cpu")
    return (folder / "optimizer" / "model.safetensors").read_bytes()


class TestOneWorker:
    def test_plays_in_this_process_and_in_order(self):
        threads = torch.get_num_threads()
        played = list(play_all([3, 1, 2], square, workers=1))
        assert played == [(number, (number**2, os.getpid(), threads)) for number in (3, 1, 2)]

    def test_no_jobs(self):
        assert list(play_all([], square)) == []

    def test_no_workers(self):
        with pytest.raises(ValueError, match="workers must be at least 1, or -1 for one per core, got 0"):
            next(play_all([1], square, workers=0))

    @pytest.mark.parametrize("fails", [ValueError, KeyboardInterrupt])
    def test_after_a_failure_or_ctrl_c_nothing_new_begins(self, fails, tmp_path):
        played = play_all([1, 2, 3], partial(leave_a_mark, folder=tmp_path, fails=fails), workers=1)
        assert next(played) == (1, 1)
        with pytest.raises(fails, match="at two"):
            next(played)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]

    def test_whoever_stops_listening_stops_the_work(self, tmp_path):
        played = play_all([1, 3, 4], partial(leave_a_mark, folder=tmp_path, fails=ValueError), workers=1)
        next(played)
        played.close()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["1"]


class TestTwoWorkers:
    def test_play_in_processes_of_their_own_on_one_thread_each(self):
        played = dict(play_all([1, 2, 3], square, workers=2))
        assert {job: result for job, (result, _, _) in played.items()} == {1: 1, 2: 4, 3: 9}
        assert os.getpid() not in {process for _, process, _ in played.values()}
        assert {threads for *_, threads in played.values()} == {1}

    def test_a_failure_in_a_worker_goes_up(self, tmp_path):
        with pytest.raises(ValueError, match="at two"):
            list(play_all([1, 2, 3], partial(leave_a_mark, folder=tmp_path, fails=ValueError), workers=2))

    def test_threads_that_somebody_asked_for(self):
        with joblib.parallel_config("loky", inner_max_num_threads=2):
            assert {threads for _, (*_, threads) in play_all([1, 2], square, workers=2)} == {2}


SCRIPT = """
import sys, time
from pathlib import Path
from minimax_l2l.lab.pool import play_all

def wait(number):
    Path(str(number)).touch()
    time.sleep(0 if number == 0 else 600)

if __name__ == "__main__":
    try:
        for _ in play_all(list(range(9)), wait, workers=2):
            pass
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_ctrl_c_in_a_terminal_ends_the_workers_too(tmp_path):
    """A terminal sends it to every process of its group."""
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not all((tmp_path / name).exists() for name in "012"):  # the third begins where the first has ended
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "script.py"]


class TestDask:
    def test_plays_real_runs_on_a_cluster(self, tmp_path):
        distributed = pytest.importorskip("distributed")
        one = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
        with (
            distributed.LocalCluster(**one) as cluster,
            distributed.Client(cluster),
            joblib.parallel_config("dask"),
        ):
            found = dict(play_all([0, 1], partial(play_game, home=tmp_path / "cluster")))
        assert found == {seed: play_game(seed, home=tmp_path / "here") for seed in (0, 1)}
