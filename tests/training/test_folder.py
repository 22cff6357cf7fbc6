"""A run's folder: written whole or not at all, read without trust."""

import json
import os
import pickle
import shutil
import stat
from pathlib import Path

import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors.torch import load_model
from torch import nn

from minimax_l2l import DamagedRunError, LearnedOptimizer, MLPUpdater
from minimax_l2l.files import atomic
from minimax_l2l.training.folder import RunFolder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


class TestAtomic:
    def test_appears_under_its_name_once_complete(self, tmp_path):
        target = tmp_path / "new" / "file"
        with atomic(target) as file:
            file.write(b"half")
            assert not target.exists()
            file.write(b" and half")
        assert target.read_bytes() == b"half and half"

    def test_a_crash_in_the_middle_leaves_the_old_file(self, tmp_path):
        target = tmp_path / "file"
        target.write_bytes(b"old")

        def fail(file):
            file.write(b"new")
            raise RuntimeError("out of power")

        with pytest.raises(RuntimeError, match="out of power"), atomic(target) as file:
            fail(file)
        assert target.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [target]

    @pytest.mark.usefixtures("usual_umask")
    def test_anyone_may_read_it(self, tmp_path):
        with atomic(tmp_path / "file") as file:
            file.write(b"")
        assert mode(tmp_path / "file") == 0o644

    def test_the_umask_is_kept(self, tmp_path):
        before = os.umask(0o077)
        try:
            with atomic(tmp_path / "file") as file:
                file.write(b"")
            assert mode(tmp_path / "file") == 0o600
        finally:
            assert os.umask(before) == 0o077


class TestPath:
    def test_is_made_with_its_parents_when_something_is_written(self, tmp_path):
        for name, write in (
            ("json", lambda folder: folder.write_json("config.json", {})),
            ("metrics", lambda folder: folder.write_metrics([])),
            ("module", lambda folder: folder.write_module("model", nn.Linear(1, 1))),
        ):
            folder = RunFolder(tmp_path / name / "run")
            assert not folder.path.parent.exists()
            write(folder)
            assert folder.path.is_dir()

    @pytest.mark.parametrize("below", ["", "run", "deep/run"])
    def test_that_is_a_file(self, below, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(ValueError, match="file is a file, a run needs a folder; choose another out="):
            RunFolder(tmp_path / "file" / below)
        assert (tmp_path / "file").read_text() == "mine"


class TestJson:
    def test_comes_back(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.write_json("config.json", {"eps": 0.1, "none": None, "nested": {"list": [1, 2]}})
        assert folder.read_json("config.json") == {"eps": 0.1, "none": None, "nested": {"list": [1, 2]}}

    def test_that_cannot_be_written_leaves_the_old_one(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.write_json("config.json", {"a": 1})
        with pytest.raises(TypeError):
            folder.write_json("config.json", {"a": object()})
        assert folder.read_json("config.json") == {"a": 1}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checksums.json", "config.json"]

    def test_missing(self, tmp_path):
        with pytest.raises(DamagedRunError, match=r"holds no config\.json, so it is not a run; give"):
            RunFolder(tmp_path).read_json("config.json")

    @pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\x00", b"not json"])
    def test_damaged(self, content, tmp_path):
        (tmp_path / "config.json").write_bytes(content)
        RunFolder(tmp_path).seal("config.json")
        with pytest.raises(DamagedRunError, match=r"config\.json cannot be read \(.*\); run `minimax-l2l solve`"):
            RunFolder(tmp_path).read_json("config.json")

    @pytest.mark.parametrize("content", ["[1, 2]", "3", "null"])
    def test_that_is_no_object(self, content, tmp_path):
        (tmp_path / "config.json").write_text(content)
        RunFolder(tmp_path).seal("config.json")
        with pytest.raises(DamagedRunError, match="holds no JSON object"):
            RunFolder(tmp_path).read_json("config.json")


class TestMetrics:
    def test_rows_come_back_bit_for_bit(self, tmp_path):
        folder = RunFolder(tmp_path)
        rows = [{"step": 1, "objective": 0.1 + 0.2}, {"step": 2, "objective": 1e-300}]
        for row in rows:
            folder.append_metrics(row)
        folder.seal("metrics.jsonl")
        assert folder.read_metrics() == rows
        assert folder.read_metrics(1) == rows[:1]
        before = folder.metrics_file.read_bytes()
        folder.write_metrics(folder.read_metrics())
        assert folder.metrics_file.read_bytes() == before

    def test_rows_past_a_checkpoint_may_be_torn(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.append_metrics({"step": 1})
        with folder.metrics_file.open("a") as file:
            file.write('{"step": 2, "obj')
        assert folder.read_metrics(1) == [{"step": 1}]
        folder.seal("metrics.jsonl")
        with pytest.raises(DamagedRunError, match=r"metrics\.jsonl cannot be read"):
            folder.read_metrics()

    def test_fewer_than_the_checkpoint_counts(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.append_metrics({"step": 1})
        with pytest.raises(DamagedRunError, match="has 1 rows, its checkpoint was made after 2"):
            folder.read_metrics(2)

    def test_missing(self, tmp_path):
        with pytest.raises(
            DamagedRunError, match=r"metrics\.jsonl cannot be read, there is no such file; start again"
        ):
            RunFolder(tmp_path).read_metrics()


class Bomb:
    """A pickle that writes a file when it is opened."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.mark.parametrize(
    "read",
    [
        lambda folder: folder.read_json("config.json"),
        lambda folder: folder.read_metrics(),
        lambda folder: folder.read_checkpoint(),
        lambda folder: folder.read_module("model", LearnedOptimizer),
        lambda folder: folder.read_weights("model", nn.Linear(1, 1)),
    ],
)
def test_a_folder_that_is_not_there(read, tmp_path):
    with pytest.raises(
        DamagedRunError, match=r"there is no folder .*nope; give one that a run with out= has written"
    ):
        read(RunFolder(tmp_path / "nope"))
    assert not (tmp_path / "nope").exists()


class TestCheckpoint:
    def test_comes_back(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.write_checkpoint({"step": 3, "weights": torch.arange(3), "none": None, "list": [1.5]})
        state = folder.read_checkpoint()
        assert (state["step"], state["none"], state["list"]) == (3, None, [1.5])
        assert torch.equal(state["weights"], torch.arange(3))

    def test_missing(self, tmp_path):
        with pytest.raises(DamagedRunError, match="holds no checkpoint to resume"):
            RunFolder(tmp_path).read_checkpoint()

    def test_advice_does_not_run_in_a_circle(self, tmp_path):
        """Where the checkpoint is gone, nobody is sent from resuming to beginning and back."""
        folder = RunFolder(tmp_path)
        folder.write_json("config.json", {})
        folder.write_checkpoint({"step": 1})
        shutil.rmtree(tmp_path / "checkpoint")
        advice = r"choose another out=, or pass overwrite=True to replace it\.$"
        with pytest.raises(
            DamagedRunError, match=rf"no checkpoint to resume; put .* back if it was lost, {advice}"
        ):
            folder.read_checkpoint()
        with pytest.raises(ValueError, match=f"holds a run already, without a checkpoint; {advice}"):
            folder.make_room(overwrite=False)
        folder.make_room(overwrite=True)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("kept", [0, 10, 400, -1])
    def test_cut_short(self, kept, tmp_path):
        folder = RunFolder(tmp_path)
        folder.write_checkpoint({"weights": torch.zeros(1000)})
        folder.checkpoint_file.write_bytes(folder.checkpoint_file.read_bytes()[:kept])
        with pytest.raises(DamagedRunError, match=r"state\.pt is not as this run wrote it: it is damaged"):
            folder.read_checkpoint()

    @pytest.mark.parametrize("save", [torch.save, lambda bomb, file: file.write_bytes(pickle.dumps(bomb))])
    def test_runs_no_code(self, save, tmp_path):
        folder = RunFolder(tmp_path)
        folder.checkpoint_file.parent.mkdir()
        marker = tmp_path / "exploded"
        save({"step": Bomb(marker)}, folder.checkpoint_file)
        folder.seal("checkpoint/state.pt")
        with pytest.raises(DamagedRunError, match=r"state\.pt cannot be read \("):
            folder.read_checkpoint()
        assert not marker.exists()

    def test_a_state_that_cannot_be_saved_leaves_the_old_one(self, tmp_path):
        folder = RunFolder(tmp_path)
        folder.write_checkpoint({"step": 1})
        with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
            folder.write_checkpoint({"step": lambda: None})
        assert folder.read_checkpoint() == {"step": 1}
        assert sorted(path.name for path in folder.checkpoint_file.parent.iterdir()) == ["previous.pt", "state.pt"]

    def test_the_one_before_is_offered(self, tmp_path):
        folder = RunFolder(tmp_path)
        for step in (1, 2):
            folder.write_checkpoint({"step": step})
        folder.checkpoint_file.write_bytes(b"spoiled")
        with pytest.raises(DamagedRunError, match=r"The checkpoint before it is whole: move .*previous\.pt there"):
            folder.read_checkpoint()
        (tmp_path / "checkpoint" / "previous.pt").replace(folder.checkpoint_file)
        assert folder.read_checkpoint() == {"step": 1}

    def test_of_another_run(self, tmp_path):
        one, other = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "other")
        for number, folder in enumerate((one, other)):
            folder.write_checkpoint({"step": number})
        one.checkpoint_file.write_bytes(other.checkpoint_file.read_bytes())
        with pytest.raises(DamagedRunError, match="or is another run's; put the right file back"):
            one.read_checkpoint()

    @pytest.mark.parametrize("moment", ["noted", "in place"])
    def test_a_kill_between_checksum_and_file_leaves_a_whole_run(self, tmp_path, monkeypatch, moment):
        folder = RunFolder(tmp_path)
        folder.write_checkpoint({"step": 1})
        replace = Path.replace

        def killed(self, target):
            if Path(target).name == "state.pt":
                if moment == "in place":
                    replace(self, target)
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.write_checkpoint({"step": 2})
        assert RunFolder(tmp_path).read_checkpoint() == {"step": 1 if moment == "noted" else 2}


def test_a_run_that_goes_on_is_no_longer_what_was_measured(tmp_path):
    folder = RunFolder(tmp_path)
    for name in ("config.json", "solution.json", "evaluation.json"):
        folder.write_json(name, {"rows": []})
    folder.reopen()
    assert folder.read_json("config.json") == {"rows": []}
    for name, sentence in (("solution.json", "its run has not ended"), ("evaluation.json", "holds no evaluation")):
        with pytest.raises(DamagedRunError, match=sentence):
            folder.read_json(name)


class Alone(nn.Linear):
    """A network as anyone writes it."""

    def __init__(self):
        super().__init__(3, 2)


class Keeping(nn.Linear, PyTorchModelHubMixin):
    """One that keeps what it was made with."""

    def __init__(self, width=2):
        super().__init__(3, width)


class SavesItself(Alone):
    """One that saves itself in a way of its own."""

    def save_pretrained(self, folder):
        torch.save(self.state_dict(), Path(folder) / "weights.pt")

    @classmethod
    def from_pretrained(cls, folder):
        raise AssertionError("a file that may be a pickle was asked for")


class TestModules:
    @pytest.mark.usefixtures("usual_umask")
    def test_a_module_that_knows_how_to_save_itself(self, tmp_path):
        optimizer = LearnedOptimizer(MLPUpdater())
        RunFolder(tmp_path).write_module("optimizer", optimizer)
        again = LearnedOptimizer.from_pretrained(tmp_path / "optimizer")
        assert torch.equal(again.updater.body[0].weight, optimizer.updater.body[0].weight)
        assert {mode(path) for path in (tmp_path / "optimizer").iterdir()} == {0o644}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checksums.json", "optimizer"]

    @pytest.mark.usefixtures("usual_umask")
    def test_any_other_module(self, tmp_path):
        module = nn.Linear(3, 2)
        RunFolder(tmp_path).write_module("model", module)
        again = nn.Linear(3, 2)
        load_model(again, tmp_path / "model" / "model.safetensors")
        assert torch.equal(again.weight, module.weight)
        assert mode(tmp_path / "model" / "model.safetensors") == 0o644

    def test_tied_weights(self, tmp_path):
        module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        module[1].weight = module[0].weight
        RunFolder(tmp_path).write_module("model", module)
        again = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        again[1].weight = again[0].weight
        load_model(again, tmp_path / "model" / "model.safetensors")
        assert torch.equal(again[1].weight, module[0].weight)

    def test_weights_are_read_into_a_module_made_anew(self, tmp_path):
        module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
        module[2].weight = module[0].weight
        module(torch.rand(3, 2))
        RunFolder(tmp_path).write_module("model", module)
        again = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
        again[2].weight = again[0].weight
        RunFolder(tmp_path).read_weights("model", again)
        assert all(map(torch.equal, again.state_dict().values(), module.state_dict().values()))

    @pytest.mark.parametrize(
        ("wrote", "kind"),
        [
            (Alone(), Alone),
            (Alone(), Keeping),  # the class has learned since then to keep what it is made with
            (Keeping(), Alone),
            (SavesItself(), SavesItself),  # in its own way, which may be a pickle
            (nn.Linear(3, 2), nn.Linear),
        ],
        ids=lambda one: getattr(one, "__name__", type(one).__name__),
    )
    def test_weights_without_a_config_are_not_called_damaged(self, wrote, kind, tmp_path):
        RunFolder(tmp_path).write_module("model", wrote)
        sentence = (
            rf"model holds weights without a config, .*; make a {kind.__name__} as the run did, and fill it with "
            r"RunFolder\(...\)\.read_weights\('model', network\)"
        )
        with pytest.raises(ValueError, match=sentence) as refused:
            RunFolder(tmp_path).read_module("model", kind)
        assert not isinstance(refused.value, DamagedRunError)

    def test_a_class_that_keeps_what_it_is_made_with_comes_back(self, tmp_path):
        module = Keeping(width=5)
        RunFolder(tmp_path).write_module("best", module)
        again = RunFolder(tmp_path).read_module("best", Keeping)
        assert torch.equal(again.weight, module.weight)

    def test_the_same_weights_come_back_into_a_network_that_one_has_made(self, tmp_path):
        for module in (Alone(), Keeping(), SavesItself(), nn.Linear(3, 2)):
            RunFolder(tmp_path).write_module("model", module)
            again = type(module)(3, 2) if type(module) is nn.Linear else type(module)()
            RunFolder(tmp_path).read_weights("model", again)
            assert all(map(torch.equal, again.state_dict().values(), module.state_dict().values()))
            shutil.rmtree(tmp_path / "model")
            (tmp_path / "checksums.json").unlink()

    @pytest.mark.parametrize("kind", [nn.Linear(3, 2), "Linear", None])
    def test_what_is_no_class(self, kind, tmp_path):
        RunFolder(tmp_path).write_module("model", nn.Linear(3, 2))
        with pytest.raises(TypeError, match=r"kind must be the network's class, got .*; pass the class, or fill"):
            RunFolder(tmp_path).read_module("model", kind)

    @pytest.mark.parametrize("kind", [Alone, Keeping])
    def test_files_that_are_gone_are(self, kind, tmp_path):
        folder = RunFolder(tmp_path)
        with pytest.raises(DamagedRunError, match="holds no model"):
            folder.read_module("model", kind)
        folder.write_module("model", kind())
        (tmp_path / "model" / "model.safetensors").write_bytes(b"")
        with pytest.raises(DamagedRunError, match="is not as this run wrote it"):
            folder.read_module("model", kind)

    @pytest.mark.parametrize("other", [nn.Linear(3, 3), nn.Linear(3, 2, bias=False), nn.Conv1d(3, 2, 1)])
    def test_weights_of_another_network_are_refused(self, other, tmp_path):
        RunFolder(tmp_path).write_module("model", nn.Linear(3, 2))
        sentence = (
            f"model holds the weights of another network than this {type(other).__name__}; make one as the run"
        )
        with pytest.raises(ValueError, match=sentence) as failure:
            RunFolder(tmp_path).read_weights("model", other)
        assert not isinstance(failure.value, DamagedRunError)

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
    def test_weights_that_were_damaged_are_refused(self, name, tmp_path):
        folder, optimizer = RunFolder(tmp_path), LearnedOptimizer(MLPUpdater())
        with pytest.raises(DamagedRunError, match="holds no optimizer"):
            folder.read_weights("optimizer", optimizer)
        folder.write_module("optimizer", optimizer)
        file = tmp_path / "optimizer" / name
        file.write_bytes(file.read_bytes()[:-1])
        with pytest.raises(DamagedRunError, match="is not as this run wrote it"):
            folder.read_weights("optimizer", optimizer)
        file.unlink()
        with pytest.raises(DamagedRunError, match=r"optimizer is damaged \(FileNotFoundError"):
            folder.read_weights("optimizer", optimizer)

    def test_a_crash_in_the_middle_leaves_the_old_weights(self, tmp_path, monkeypatch):
        folder, optimizer = RunFolder(tmp_path), LearnedOptimizer(MLPUpdater())
        folder.write_module("optimizer", optimizer)
        before = {path.name: path.read_bytes() for path in (tmp_path / "optimizer").iterdir()}

        def fail(*_):
            raise OSError("disk full")

        monkeypatch.setattr("minimax_l2l.optimizers.pretrained.save_file", fail)
        with pytest.raises(OSError, match="disk full"):
            folder.write_module("optimizer", optimizer)
        assert {path.name: path.read_bytes() for path in (tmp_path / "optimizer").iterdir()} == before
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checksums.json", "optimizer"]

    def test_configs_are_plain_json(self, tmp_path):
        RunFolder(tmp_path).write_module("optimizer", LearnedOptimizer(MLPUpdater(), steps=3))
        config = json.loads((tmp_path / "optimizer" / "config.json").read_text())
        assert config["steps"] == 3
        assert config["updater"]["class"] == "MLPUpdater"
