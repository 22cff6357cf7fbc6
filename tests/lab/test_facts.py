"""Data of the user's own are those that a run was trained on, whatever the family and however it is asked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from specimens import Quadratic

from minimax_l2l import GradientAscent, Task
from minimax_l2l.cli import commands
from minimax_l2l.lab.family import Family
from minimax_l2l.lab.preset import Built, Preset
from minimax_l2l.lab.report import Section
from minimax_l2l.lab.runs import evaluate, play

NAME = "own/words"


class Climb(Task):
    def __init__(self):
        self.outer = torch.nn.Linear(1, 1)

    def batches(self):
        return [torch.ones(2, 1)]

    def inner_problem(self, batch):
        return Quadratic(self.outer(batch))


def sha256(data: Path) -> str:
    return hashlib.sha256(data.read_bytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Words(Preset):
    """Reads a file, and measures whatever file it is given.

    Attributes:
        data: the file.
        kept: the kind of facts.
    """

    data: Path | None = None
    kept: str = "flat"

    @property
    def summary(self):
        return "words"

    def build(self):
        facts = {}
        if self.data is not None:
            told = {"name": self.data.stem, "sha256": sha256(self.data)}
            facts = {"flat": told, "within": {"data": {"file": told}}, "nothing": {"name": "words"}}[self.kept]
        return Built(Climb(), GradientAscent(steps=1, step_size=0.1), facts=facts)

    def evaluate(self, folder, *, device, batch_size, announce):
        return {"rows": [{"length": len(self.data.read_bytes()) if self.data else 0}]}


def pages(folders, *, data):
    return [Section("Words", data.read_text())]


FAMILIES = {"own": Family({NAME: Words()}, report=f"{__name__}:pages")}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "load_families", lambda: FAMILIES)
    monkeypatch.setattr(commands, "load_function", {f"{__name__}:pages": pages}.__getitem__)
    Path("mine.txt").write_text("to be or not")


def measure(data):
    return evaluate(Path("run"), FAMILIES, data=data, device="cpu", announce=lambda _: None)["rows"]


@pytest.mark.parametrize("kept", ["flat", "within"])
def test_the_same_data_may_lie_elsewhere(kept, run):
    play(NAME, Words(data=Path("mine.txt"), kept=kept), Path("run"), device="cpu")
    Path("mine.txt").rename("yours.txt")
    assert measure(Path("yours.txt")) == [{"length": 12}]
    assert run("report", "run", "--data", "yours.txt")[0] == 0


@pytest.mark.parametrize("kept", ["flat", "within"])
def test_a_run_is_resumed_with_the_same_data_whatever_they_are_called(kept):
    play(NAME, Words(data=Path("mine.txt"), kept=kept), Path("run"), device="cpu")
    config = Path("run/config.json").read_bytes()
    Path("mine.txt").rename("yours.txt")
    renamed = Words(data=Path("yours.txt"), kept=kept)
    assert play(NAME, renamed, Path("run"), resume=True, device="cpu").steps == 1
    assert Path("run/config.json").read_bytes() == config
    fact = {"flat": "sha256", "within": r"data\.file\.sha256"}[kept]
    for name in ("mine.txt", "yours.txt"):
        Path(name).write_text("that is the question")
        with pytest.raises(ValueError, match=f"run was run with other values in {fact}: the data differ by"):
            play(NAME, Words(data=Path(name), kept=kept), Path("run"), resume=True, device="cpu")
    with pytest.raises(ValueError, match=r"run was run with data='mine\.txt', not None"):
        play(NAME, Words(kept=kept), Path("run"), resume=True, device="cpu")


@pytest.mark.parametrize("kept", ["flat", "within"])
@pytest.mark.parametrize("name", ["mine.txt", "other.txt"])
def test_other_data_are_refused(kept, name, run):
    play(NAME, Words(data=Path("mine.txt"), kept=kept), Path("run"), device="cpu")
    Path(name).write_text("that is the question")
    fact = {"flat": "sha256", "within": r"data\.file\.sha256"}[kept]
    said = (
        rf"run was trained on other data than '{name}' as it is now \({fact} differs\); name what it was trained on"
    )
    with pytest.raises(ValueError, match=said):
        measure(Path(name))
    for command in ("evaluate", "report"):
        code, _, err = run(command, "run", "--data", name)
        assert code == 1
        assert f"run was trained on other data than '{name}' as it is now" in err
    assert not Path("run/evaluation.json").exists()
    assert not Path("report.html").exists()


def test_a_run_without_data_of_ones_own_is_not_measured_on_some():
    play(NAME, Words(), Path("run"), device="cpu")
    assert measure(None) == [{"length": 0}]
    with pytest.raises(ValueError, match="run was trained on no data of your own; leave --data out"):
        measure(Path("mine.txt"))


def test_a_preset_that_keeps_no_checksum_is_refused_before_it_is_solved():
    with pytest.raises(ValueError, match="Words takes data and keeps no checksum of them"):
        play(NAME, Words(data=Path("mine.txt"), kept="nothing"), Path("run"), device="cpu")
    assert not Path("run").exists()
