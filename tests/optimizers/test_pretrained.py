"""Learned optimizers on disk: the same bits come back, and what cannot come back is refused with a sentence."""

import json
import re
from pathlib import Path

import pytest
import torch
from folders import files, unseal
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, OfflineModeIsEnabled
from specimens import Quadratic, Through
from torch import nn

from minimax_l2l import (
    CNNUpdater,
    DamagedRunError,
    DenseMLPUpdater,
    Features,
    GradientFeatures,
    GramUpdater,
    IterateFeatures,
    LearnedOptimizer,
    LogSignFeatures,
    LowRankUpdater,
    MLPUpdater,
    RNNUpdater,
    RowUpdater,
    RunFolder,
    Task,
    Updater,
)
from minimax_l2l.testing.probes import stirred
from tasks.adversarial import SmallResNet

SAVED = {
    "MLP": lambda: LearnedOptimizer(MLPUpdater(hidden=(4, 3)), steps=3, truncate=2, clip_norm=0.5),
    "dense": lambda: LearnedOptimizer(DenseMLPUpdater(16), step_size=0.3, random_start=0.5, detach_iterates=True),
    "dense, streaming": lambda: LearnedOptimizer(
        DenseMLPUpdater(16, zero_head=False, fan_in_scaling=False, streaming=True), max_relative_step=0.1
    ),
    "rows": lambda: LearnedOptimizer(RowUpdater(((2, 3), (2, 2), (1, 1)))),
    "low rank, log and sign": lambda: LearnedOptimizer(LowRankUpdater(16, 2, 3), features=LogSignFeatures(5.0)),
    "MLP, log and sign alone": lambda: LearnedOptimizer(MLPUpdater(), features=LogSignFeatures(iterate=False)),
    "RNN": lambda: LearnedOptimizer(
        RNNUpdater(inputs=1, hidden=5, gain=0.3),
        features=GradientFeatures("max", iterate=False),
        second_order=True,
        relative=True,
        learning_rate=5e-3,
        weight_decay=0.0,
    ),
    "wide": lambda: LearnedOptimizer(CNNUpdater.wide(1, width=4)),
    "published": lambda: LearnedOptimizer(CNNUpdater.published(1, width=4), steps=2, lazy=True),
    "slim": lambda: LearnedOptimizer(CNNUpdater.slim(1, width=8)),
    "light": lambda: LearnedOptimizer(CNNUpdater.light(1, width=4, gain=2.0), steps=2),
    "naive": lambda: LearnedOptimizer(CNNUpdater.light(1, 1, width=4), features=IterateFeatures()),
}
OPTIONS = (
    "steps",
    "step_size",
    "random_start",
    "detach_iterates",
    "truncate",
    "second_order",
    "relative",
    "lazy",
    "max_relative_step",
    "learning_rate",
    "weight_decay",
    "clip_norm",
)


@pytest.mark.parametrize("name", SAVED)
def test_what_is_saved_comes_back_to_the_bit(name, tmp_path):
    saved = stirred(SAVED[name]()).eval()
    saved.save_pretrained(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "README.md",
        "config.json",
        "model.checksums.json",
        "model.safetensors",
    }
    loaded = LearnedOptimizer.from_pretrained(tmp_path).eval()
    assert [getattr(loaded, option) for option in OPTIONS] == [getattr(saved, option) for option in OPTIONS]
    assert (type(loaded.features), vars(loaded.features)) == (type(saved.features), vars(saved.features))
    assert loaded.updater.config() == saved.updater.config()
    problem = Quadratic(torch.rand(2, 1, 4, 4), start=torch.full((2, 1, 4, 4), 0.5))
    torch.manual_seed(1)
    expected = saved.maximize(problem).y
    torch.manual_seed(1)
    assert torch.equal(loaded.maximize(problem).y, expected)


class Scale(Updater):
    """u = factor * last feature."""

    def __init__(self, inputs: int = 2):
        super().__init__()
        self.inputs = inputs
        self.factor = nn.Parameter(torch.tensor(0.25))

    def forward(self, features, state):
        return self.factor * features[:, -1], state


def test_an_updater_of_ones_own_is_handed_to_from_pretrained(tmp_path):
    LearnedOptimizer(Scale(), steps=4).save_pretrained(tmp_path)
    loaded = LearnedOptimizer.from_pretrained(tmp_path, updaters=[Scale])
    assert isinstance(loaded.updater, Scale)
    assert loaded.steps == 4


GAIN = 1.0


def gained(update):
    return GAIN * update


class Gained(Features):
    channels, needs_gradient, power = 1, True, 1

    def __call__(self, iterate, gradient):
        return gained(gradient[:, None]) ** self.power


class Careful(LearnedOptimizer):
    def begin_step(self, remaining, y, state):
        return super().begin_step(remaining, y, state)


class TestCodeOfOnesOwn:
    """A class of the same name that does something else now is taken with a warning."""

    @pytest.fixture
    def saved(self, tmp_path):
        Careful(Scale(1), features=Gained()).save_pretrained(tmp_path)
        return tmp_path

    @staticmethod
    def load(saved, **classes):
        classes = {"cls": Careful, "updaters": [Scale], "features": [Gained], **classes}
        return classes.pop("cls").from_pretrained(saved, **classes)

    def test_the_same_is_taken_silently(self, saved):
        assert isinstance(self.load(saved).features, Gained)

    def test_another_updater(self, saved):
        class Halved(Scale):
            def forward(self, features, state):
                return super().forward(features / 2, state)

        Halved.__name__ = "Scale"
        with pytest.warns(UserWarning, match=r"saved with the updater Scale of other code \(Scale\.forward"):
            self.load(saved, updaters=[Halved])

    def test_other_features(self, saved):
        other = type("Gained", (Features,), {**vars(Gained), "power": 2})
        with pytest.warns(UserWarning, match=r"the features Gained of other values \(Gained\.power\)"):
            self.load(saved, features=[other])

    def test_another_helper(self, saved, monkeypatch):
        monkeypatch.setitem(globals(), "GAIN", 2.0)
        with pytest.warns(UserWarning, match=r"of other values \(Gained\.__call__\.gained\.GAIN\)"):
            self.load(saved)

    def test_another_optimizer(self, saved):
        with pytest.warns(UserWarning, match=r"the optimizer LearnedOptimizer of other code \(Careful"):
            self.load(saved, cls=LearnedOptimizer)

    def test_of_the_library_s_nothing_is_kept(self, tmp_path):
        LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
        assert "own_code" not in json.loads((tmp_path / "config.json").read_text())


def test_an_unknown_updater_is_refused_by_name(tmp_path):
    LearnedOptimizer(Scale()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"updater Scale, which this library.*updaters=\[Scale\]"):
        LearnedOptimizer.from_pretrained(tmp_path)


def test_a_config_cannot_make_the_library_import_anything(tmp_path):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["updater"]["class"] = "os.system"
    (tmp_path / "config.json").write_text(json.dumps(config))
    unseal(tmp_path)
    with pytest.raises(ValueError, match=r"updater os\.system"):
        LearnedOptimizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "name", ["runs/nothing/optimizer", "/nowhere/at/all", "~/models", "my/own attacker", "a/b/c/d"]
)
def test_a_folder_that_is_not_there(name):
    with pytest.raises(
        FileNotFoundError, match=rf"^there is no folder '{name}', and no repository .*; pass the folder"
    ):
        LearnedOptimizer.from_pretrained(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gram-gamez", "did you mean 'gram-games'\\? Otherwise "), ("GRAM_games", "did you"), ("xyz", "")],
)
def test_a_name_without_a_slash_is_not_looked_for_on_the_hub(name, hint, monkeypatch):
    monkeypatch.setattr("minimax_l2l.hub.hf_hub_download", None)
    sentence = rf"^there is no folder '{name}', what ships with this library is called 'gram-games', and .*; {hint}"
    with pytest.raises(FileNotFoundError, match=sentence):
        LearnedOptimizer.from_pretrained(name)
    with pytest.raises(
        FileNotFoundError, match=rf"^there is no folder '{name}', and the Hub is asked only .*; pass"
    ):
        SmallResNet.from_pretrained(name)


def test_a_folder_that_is_not_there_beside_a_run_s_optimizer(tmp_path):
    LearnedOptimizer(MLPUpdater(), steps=4).save_pretrained(tmp_path / "optimizer")
    with pytest.raises(FileNotFoundError, match=r"; pass '[^']*optimizer'\.$"):
        LearnedOptimizer.from_pretrained(tmp_path / "optimiser")


def test_a_file_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("attacker").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"^'attacker' is a file and no folder; pass the folder"):
        LearnedOptimizer.from_pretrained("attacker")


@pytest.mark.parametrize(
    "said", [EntryNotFoundError("none"), LocalEntryNotFoundError("cached"), OfflineModeIsEnabled("offline")]
)
def test_what_the_hub_does_not_have(said, monkeypatch):
    def download(*_, **__):
        raise said

    monkeypatch.setattr("minimax_l2l.hub.hf_hub_download", download)
    with pytest.raises(
        FileNotFoundError, match=r"^there is no folder 'me/attacker', and config\.json and .* Hub \("
    ):
        LearnedOptimizer.from_pretrained("me/attacker")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("config.json", b"\xff\xfe"),
        ("model.safetensors", b"not tensors"),
        ("model.safetensors", b""),
    ],
)
def test_a_damaged_file_is_refused_with_a_sentence(name, content, tmp_path):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedRunError, match=rf"{re.escape(name)} is not as it was saved.*; put the right file"):
        LearnedOptimizer.from_pretrained(tmp_path)
    unseal(tmp_path)
    with pytest.raises(DamagedRunError, match="is no whole saved optimizer"):
        LearnedOptimizer.from_pretrained(tmp_path)


def test_weights_of_another_architecture_are_refused_with_a_sentence(tmp_path):
    LearnedOptimizer(MLPUpdater(hidden=(4,))).save_pretrained(tmp_path / "small")
    LearnedOptimizer(MLPUpdater(hidden=(5,))).save_pretrained(tmp_path / "large")
    (tmp_path / "small" / "model.safetensors").replace(tmp_path / "large" / "model.safetensors")
    unseal(tmp_path / "large")
    with pytest.raises(DamagedRunError, match=r"(?s)no whole saved optimizer \(.*size mismatch"):
        LearnedOptimizer.from_pretrained(tmp_path / "large")


@pytest.mark.parametrize("place", ["", "model", "tensorboard"])
def test_the_folder_of_a_run_leads_to_its_optimizer(place, tmp_path):
    """So does that of its classifier, which has files of the same names."""
    run = RunFolder(tmp_path / "run")
    (run.path / "tensorboard").mkdir(parents=True)
    run.write_module("model", SmallResNet(width=2))
    run.write_module("optimizer", LearnedOptimizer(MLPUpdater(), steps=4))
    run.write_json("config.json", {})
    with pytest.raises((FileNotFoundError, DamagedRunError), match=r"; pass '[^']*'\.$") as refused:
        LearnedOptimizer.from_pretrained(run.path / place)
    (better,) = re.findall(r"pass '([^']*)'", str(refused.value))
    assert LearnedOptimizer.from_pretrained(better).steps == 4


def test_what_is_no_folder_is_fetched_from_the_hub(tmp_path, monkeypatch):
    LearnedOptimizer(MLPUpdater(), steps=4).save_pretrained(tmp_path)
    asked = []

    def download(repository, name, **options):
        asked.append((repository, name, options))
        return str(tmp_path / name)

    monkeypatch.setattr("minimax_l2l.hub.hf_hub_download", download)
    assert LearnedOptimizer.from_pretrained("somebody/attacker", revision="v1").steps == 4
    assert asked == [
        ("somebody/attacker", name, {"revision": "v1"}) for name in ("config.json", "model.safetensors")
    ]


class Powers(Features):
    """A = [sign(g) |g|^p for each p]."""

    needs_gradient = True

    def __init__(self, powers=(1.0,), *, offset=0.0):
        self.powers, self.offset = powers, offset
        self.channels = len(powers)

    def __call__(self, iterate, gradient):
        return torch.stack([gradient.sign() * gradient.abs() ** p + self.offset for p in self.powers], dim=1)


class Sign(Features):
    channels, needs_gradient = 1, True

    def __call__(self, iterate, gradient):
        return gradient.sign()[:, None]


class Halved(GradientFeatures):
    """What the library's features are, times a half: another class with the same arguments."""

    def __call__(self, iterate, gradient):
        return super().__call__(iterate, gradient) / 2


@pytest.mark.parametrize("features", [Powers([0.5, 1.0], offset=0.25), Sign(), Halved("max")])
def test_features_of_ones_own_come_back(features, tmp_path):
    saved = stirred(LearnedOptimizer(MLPUpdater(features.channels), features=features, steps=2))
    saved.save_pretrained(tmp_path)
    loaded = LearnedOptimizer.from_pretrained(tmp_path, features=[type(features)])
    assert (type(loaded.features), vars(loaded.features)) == (type(features), vars(features))
    problem = Quadratic(torch.rand(2, 3))
    assert torch.equal(loaded.maximize(problem).y, saved.maximize(problem).y)
    with pytest.raises(
        ValueError, match=rf"features {type(features).__name__}, which .*features=\[{type(features).__name__}"
    ):
        LearnedOptimizer.from_pretrained(tmp_path)


class Descent(Task):
    def __init__(self):
        super().__init__()
        self.outer = nn.Linear(3, 3)

    def batches(self):
        return [torch.randn(4, 3)] * 2

    def inner_problem(self, batch):
        return Through(self.outer, batch)


def test_a_run_in_a_folder_saves_features_of_ones_own(tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater(2), features=Powers([0.5, 1.0]))
    Descent().solve(optimizer, out=tmp_path / "run", device="cpu")
    loaded = LearnedOptimizer.from_pretrained(tmp_path / "run" / "optimizer", features=[Powers])
    assert loaded.features.powers == [0.5, 1.0]
    for name, value in optimizer.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


class Forgetful(Features):
    channels, needs_gradient = 1, True

    def __init__(self, scale):
        self.twice = 2 * scale

    def __call__(self, iterate, gradient):
        return self.twice * gradient[:, None]


class Unnamed(Forgetful):
    def __init__(self, *scales):
        super().__init__(scales[0])


@pytest.mark.parametrize(
    ("features", "error", "sentence"),
    [
        (Forgetful(1.0), AttributeError, r"Forgetful cannot be saved.*set self\.scale = scale"),
        (
            Unnamed(1.0),
            TypeError,
            r"Unnamed cannot be saved, its constructor takes \*scales; give each",
        ),
        (Powers(torch.ones(1)), TypeError, "Powers cannot be saved .*Tensor.*let its constructor take numbers"),
    ],
)
def test_features_that_cannot_come_back_are_refused_before_anything_is_written(features, error, sentence, tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater(1), features=features)
    with pytest.raises(error, match=sentence):
        optimizer.save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(error, match=sentence):
        Descent().solve(optimizer, out=tmp_path / "run", device="cpu")


@pytest.mark.parametrize(
    ("told", "features"),
    [
        (
            {"class": "GradientFeatures", "normalise": "max", "iterate": False},
            GradientFeatures("max", iterate=False),
        ),
        ({"class": "LogSignFeatures", "p": 5.0, "iterate": False}, LogSignFeatures(5.0, iterate=False)),
        ({"class": "IterateFeatures"}, IterateFeatures()),
    ],
)
def test_an_optimizer_saved_by_the_first_version_still_loads(told, features, tmp_path):
    saved = LearnedOptimizer(MLPUpdater(features.channels, hidden=(4,)), features=features)
    saved.save_pretrained(tmp_path)
    config = {
        "updater": {
            "class": "MLPUpdater",
            "config": {"inputs": features.channels, "hidden": [4], "fan_in_scaling": False},
        },
        "features": told,
        "steps": 3,
        "step_size": 0.5,
        "random_start": 0.0,
        "detach_iterates": True,
        "truncate": 2,
        "second_order": False,
        "relative": False,
        "max_relative_step": None,
        "learning_rate": 0.01,
        "weight_decay": 0.0002,
        "clip_norm": 1.0,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    unseal(tmp_path)
    loaded = LearnedOptimizer.from_pretrained(tmp_path)
    assert (type(loaded.features), vars(loaded.features)) == (type(features), vars(features))
    assert [getattr(loaded, option) for option in OPTIONS] == [
        3,
        0.5,
        0.0,
        True,
        2,
        False,
        False,
        False,
        None,
        0.01,
        2e-4,
        1.0,
    ]
    updater = {**config["updater"], "config": loaded.updater.config()}
    later = {"lazy": False, "learns_every": 1, "squash": None, "projected_gradient": None, "guided": False}
    assert loaded.config() == {**config, **later, "updater": updater}


@pytest.mark.parametrize("within", ["run", "run/optimizer", "run/../run", "run/model/../optimizer"])
def test_a_run_s_folder_is_not_saved_over(within, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    optimizer = LearnedOptimizer(MLPUpdater(1), features=IterateFeatures())
    Descent().solve(optimizer, out="run", device="cpu")
    before = files(tmp_path)
    (tmp_path / "run" / "model").mkdir(exist_ok=True)
    with pytest.raises(
        ValueError, match=rf"save_directory={re.escape(within)} holds config\.json .*of a run, which"
    ):
        optimizer.save_pretrained(within)
    assert files(tmp_path) == before
    Descent().solve(optimizer, out="run", device="cpu", resume=True)


def test_the_run_that_one_stands_in_is_not_saved_over(tmp_path, monkeypatch):
    optimizer = LearnedOptimizer(MLPUpdater(1), features=IterateFeatures())
    Descent().solve(optimizer, out=tmp_path / "run", device="cpu")
    monkeypatch.chdir(tmp_path / "run")
    with pytest.raises(ValueError, match=r"save_directory=\. holds config\.json of a run, .* such as run-saved\."):
        optimizer.save_pretrained(".")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_one_of_a_run_that_was_edited_is_refused(file, tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater(1), features=IterateFeatures())
    Descent().solve(optimizer, out=tmp_path / "run", device="cpu")
    place = tmp_path / "run" / "optimizer"
    LearnedOptimizer.from_pretrained(place)
    edited = (place / file).read_bytes().replace(b'"steps": 1', b'"steps": 9')
    (place / file).write_bytes(edited if file == "config.json" else edited[:-1] + bytes([edited[-1] ^ 1]))
    with pytest.raises(DamagedRunError, match=rf"{re.escape(file)} is not as this run wrote it"):
        LearnedOptimizer.from_pretrained(place)


@pytest.mark.parametrize("within", ["beside", "run/mine", "run/tensorboard/mine"])
def test_a_folder_of_its_own_is_saved_to_again_and_again(within, tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater(1), features=IterateFeatures())
    Descent().solve(optimizer, out=tmp_path / "run", device="cpu")
    for overwrite in (False, True, True):
        optimizer.save_pretrained(tmp_path / within, overwrite=overwrite)
    LearnedOptimizer.from_pretrained(tmp_path / within)


@pytest.mark.parametrize("content", ["", "{}", '{"files": {}}', "[]"])
def test_a_folder_whose_checksums_cannot_be_read_is_left_alone(content, tmp_path):
    (tmp_path / "checksums.json").write_text(content)
    with pytest.raises(DamagedRunError, match="nobody knows whether the run's files are whole"):
        LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checksums.json"]


class TestShipped:
    """Optimizers that come with the library are found by name."""

    def test_it_is_whole_and_small(self):
        optimizer = LearnedOptimizer.from_pretrained("gram-games")
        assert isinstance(optimizer.updater, GramUpdater)
        assert sum(one.numel() for one in optimizer.parameters()) < 20_000
        assert optimizer.updater.head.weight.any()  # it has learned something

    def test_a_folder_of_that_name_goes_first(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        LearnedOptimizer(MLPUpdater(), steps=3).save_pretrained("gram-games")
        assert LearnedOptimizer.from_pretrained("gram-games").steps == 3


@pytest.mark.parametrize("option", ["steps", "nonsense"])
def test_an_option_that_would_not_be_heeded_is_refused(option):
    with pytest.raises(
        TypeError, match=rf"does not take '{option}', .* pass steps to maximize\. Of the Hub it takes"
    ):
        LearnedOptimizer.from_pretrained("gram-games", **{option: 5})
    LearnedOptimizer.from_pretrained("gram-games", revision="main")  # heeded where it comes from the Hub
