"""Two runs in one folder would leave a mixture of both, so the second is refused while the first is at work."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from minimax_l2l import NonFiniteError, Status
from minimax_l2l.training.occupied import occupied
from tasks.games import LimitCycle


def solve(folder: Path, **options):
    torch.manual_seed(0)
    return LimitCycle().solve(
        LimitCycle.learned_optimizer(steps=2), out=folder, device="cpu", log_every=1, **options
    )


def logged(folder: Path) -> list[int]:
    return [json.loads(row)["step"] for row in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("second", [{}, {"overwrite": True}, {"resume": True}])
def test_a_run_that_is_at_work_is_left_alone(second, tmp_path):
    refused = []

    def meanwhile(row) -> None:
        if row["step"] == 4:
            with pytest.raises(
                ValueError, match=r"another run is at work in .*; wait until it has ended, or choose"
            ) as told:
                solve(tmp_path / "run", steps=6, **second)
            refused.append(told)

    solve(tmp_path / "run", steps=3)
    assert solve(tmp_path / "run", steps=6, resume=True, callbacks=[meanwhile]).status is Status.STOPPED
    assert refused
    assert logged(tmp_path / "run") == [1, 2, 3, 4, 5, 6]


def test_another_process_is_refused(tmp_path):
    module = "minimax_l2l.training.occupied"
    words = f"import pathlib; from {module} import occupied\nwith occupied(pathlib.Path('run')): pass"
    command = [sys.executable, "-c", words]
    with occupied(tmp_path / "run"):
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "another run is at work in run" in told.stderr
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_however_a_run_ends_its_folder_is_free(tmp_path):
    def fail(_) -> None:
        raise NonFiniteError("no")

    with pytest.raises(NonFiniteError):
        solve(tmp_path / "run", steps=2, callbacks=[fail])
    shutil.rmtree(tmp_path / "run")
    assert solve(tmp_path / "run", steps=2).steps == 2
    assert solve(tmp_path / "run", steps=3, resume=True).steps == 3


def test_a_folder_without_a_run_is_not_left_behind(tmp_path):
    with occupied(tmp_path / "deep" / "run"):
        assert (tmp_path / "deep" / "run").is_dir()
    assert not (tmp_path / "deep" / "run").exists()


@pytest.mark.parametrize("name", ["solution.json", "optimizer/model.safetensors", "optimizer/config.json"])
def test_a_folder_in_the_place_of_a_file_is_told(name, tmp_path):
    solve(tmp_path / "run", steps=2)
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / name).mkdir()
    with pytest.raises(ValueError, match=f"{name} is a folder, and a file belongs there; move it away"):
        solve(tmp_path / "run", steps=4, resume=True)
    (tmp_path / "run" / name).rmdir()
    assert solve(tmp_path / "run", steps=4, resume=True).steps == 4
    assert logged(tmp_path / "run") == [1, 2, 3, 4]
