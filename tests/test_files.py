"""Files that appear whole, and folders that are known to be writable before work is done for them."""

import errno
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from folders import files
from safetensors.torch import save_file
from specimens import Through
from torch import nn

from minimax_l2l import PGM, CNNUpdater, LearnedOptimizer, LinfBall, MLPUpdater, RunFolder, Task
from minimax_l2l.cli import main
from minimax_l2l.files import NoRoomError, atomic, drafted, require_place, room_for
from minimax_l2l.training.callbacks import TensorBoard
from tasks.adversarial import Attack, SmallResNet


@pytest.mark.parametrize("folder", [".", "new", "new/and/deeper", "there", "there/more", "../new"])
def test_a_folder_that_can_be_written_to_is_left_as_it_was(folder, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.parent.rglob("*"))
    require_place("out", Path(folder))
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize("folder", ["afile", "afile/x", "afile/x/y", "/dev/null/x"])
def test_a_file_is_no_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("afile").write_text("")
    with pytest.raises(ValueError, match=r"(afile|null) is a file and no folder; choose another out=\.$"):
        require_place("out", Path(folder))


@pytest.mark.parametrize("folder", ["/proc/x", "/proc/self/x/y", "x" * 300, "a\0b"])
def test_a_place_where_nothing_can_be(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"cannot be written to \((?!.*trying).*\); choose another out=\.$"):
        require_place("out", Path(folder))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ValueError, match=r"locked/x cannot be written to .*Permission denied"):
        require_place("out", tmp_path / "locked" / "x")


@contextmanager
def little_room(most):
    """No file may grow beyond so many bytes, which the operating system says as it says that a disk is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


SAVES = {
    "optimizer": lambda: LearnedOptimizer(MLPUpdater(hidden=(32, 32))),
    "classifier": lambda: SmallResNet(width=2),
    "attack": lambda: Attack(LearnedOptimizer(CNNUpdater.light(channels=1, width=4)), LinfBall(0.1)),
}


class Descent(Task):
    """A run whose checkpoint is larger than its config."""

    def __init__(self):
        torch.manual_seed(0)
        self.outer = nn.Linear(40, 40)

    def batches(self):
        generator = torch.Generator().manual_seed(1)
        return [torch.rand(4, 40, generator=generator) for _ in range(4)]

    def inner_problem(self, batch):
        return Through(self.outer, batch, constraint=LinfBall(0.1))


class TestNoRoom:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_is_said_and_the_old_file_stays(self, number, tmp_path, monkeypatch):
        target = tmp_path / "file"
        target.write_bytes(b"old")

        def full(*_):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("os.fsync", full)
        said = (
            rf"file could not be written \({os.strerror(number)}\), and what was saved before is whole; make room"
        )
        with pytest.raises(NoRoomError, match=said), atomic(target) as file:
            file.write(b"new")
        assert files(tmp_path) == {str(target): b"old"}

    @pytest.mark.parametrize(
        "write",
        [
            lambda file: file.write_bytes(b"x" * 5000),
            lambda file: save_file({"x": torch.zeros(5000)}, file),
            lambda file: torch.save(torch.zeros(5000), file.open("wb")),
        ],
        ids=["Python", "safetensors", "torch"],
    )
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_whoever_writes(self, write, tmp_path):
        said = r"mine could not be written \(File too large\)"
        with little_room(2000), pytest.raises(NoRoomError, match=said), room_for(tmp_path / "mine"):
            write(tmp_path / "file")

    def test_of_several_files_none_is_replaced(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).write_text("old")

        def write(draft):
            (draft / "a").write_text("new")
            (draft / "b").write_text("new" * 1000)

        with little_room(2000), pytest.raises(NoRoomError), drafted(tmp_path) as draft:
            write(draft)
        assert files(tmp_path) == {str(tmp_path / name): b"old" for name in ("a", "b")}

    def test_other_errors_are_let_through(self, tmp_path):
        with pytest.raises(PermissionError), room_for(tmp_path):
            raise PermissionError(errno.EACCES, "no")

    @pytest.mark.parametrize("most", [0, 500, 2000])
    @pytest.mark.parametrize("kind", SAVES)
    def test_a_save_replaces_the_one_before_whole_or_not_at_all(self, kind, most, tmp_path):
        folder = tmp_path / "mine"
        SAVES[kind]().save_pretrained(folder)
        before = files(tmp_path)
        torch.manual_seed(1)
        with pytest.raises(NoRoomError, match=r"mine could not be written"), little_room(most):
            SAVES[kind]().save_pretrained(folder, overwrite=True)
        assert files(tmp_path) == before
        type(SAVES[kind]()).from_pretrained(folder)

    def test_a_run_goes_on_once_there_is_room(self, tmp_path):
        def play(out, **options):
            task = Descent()
            task.solve(PGM(steps=1, step_size=0.1), device="cpu", out=out, **options)
            return task.outer.weight

        play(tmp_path / "run", steps=2)
        said = r"state\.pt could not be written \(File too large\)"
        with little_room(6000), pytest.raises(NoRoomError, match=said):
            play(tmp_path / "run", resume=True, checkpoint_every=1)
        assert not list(tmp_path.rglob(".writing-*"))
        assert RunFolder(tmp_path / "run").read_checkpoint()["step"] == 2
        assert torch.equal(play(tmp_path / "run", resume=True), play(tmp_path / "straight"))
        RunFolder(tmp_path / "run").read_metrics()

    @pytest.mark.parametrize("most", [0, 3000])
    def test_a_module_of_a_run_is_replaced_whole_or_not_at_all(self, most, tmp_path):
        run = RunFolder(tmp_path)
        run.write_module("model", SmallResNet(width=2))
        before = files(tmp_path / "model")
        for seed in (1, 2):
            torch.manual_seed(seed)
            with pytest.raises(NoRoomError, match="model could not be written"), little_room(most):
                run.write_module("model", SmallResNet(width=2))
            assert files(tmp_path / "model") == before
            run.read_module("model", SmallResNet)

    def test_curves(self, tmp_path, monkeypatch):
        writers = pytest.importorskip("torch.utils.tensorboard")

        class Full:
            def __init__(self, _):
                raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(writers, "SummaryWriter", Full)
        with pytest.raises(NoRoomError, match="curves could not be written"):
            TensorBoard(tmp_path / "curves")({"step": 1, "objective": 1.0})

    def test_on_the_command_line(self, tmp_path, monkeypatch, capfd):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("minimax_l2l.lab.runs.find_spec", lambda _: None)  # without TensorBoard's own thread
        words = ["solve", "games/limit-cycle-rnn-l2l", "--iterations", "1", "--out", "run", "--device", "cpu"]
        with little_room(9000):
            assert main(words) == 1
        said = capfd.readouterr().err.replace("\n", " ")
        assert "run/checkpoint/state.pt could not be written (File too large), and what was saved" in said
        assert "a run goes on with --resume." in said
        assert main([*words, "--resume"]) == 0
