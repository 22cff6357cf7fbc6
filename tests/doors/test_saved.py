"""Saved optimizers: what is asked for, and files that are damaged in every way."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from doors import wrong
from doors.door import Door, knock, knocks
from folders import unseal
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from minimax_l2l import DamagedRunError, LearnedOptimizer, MLPUpdater, RunFolder

PATH = wrong.not_a(str, Path)
CLASSES = st.sampled_from([None, 3, "ab", MLPUpdater, MLPUpdater(), [3], [None], ["MLPUpdater"], [int]])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    LearnedOptimizer(MLPUpdater()).save_pretrained(folder)
    return folder


def doors(folder):
    options = {"updaters": CLASSES, "features": CLASSES}
    return [
        Door(
            "from_pretrained",
            LearnedOptimizer.from_pretrained,
            lambda: {"pretrained_model_name_or_path": folder},
            {"pretrained_model_name_or_path": PATH, **options},
        ),
        Door(
            "save_pretrained",
            LearnedOptimizer(MLPUpdater()).save_pretrained,
            lambda: {"save_directory": folder, "overwrite": True},
            {
                "save_directory": PATH | st.just(folder / "config.json" if folder else None),
                "overwrite": wrong.not_a(bool) | st.just(False),
            },
        ),
        Door("RunFolder", RunFolder, lambda: {"path": folder}, {"path": PATH}),
    ]


@pytest.mark.parametrize(
    ("place", "argument"), [(place, arg) for place, (_, arg) in enumerate(knocks(*doors(None)))]
)
@given(data=st.data())
def test_wrong_values_are_refused(saved, place, argument, data):
    door, _ = knocks(*doors(saved))[place]
    knock(door, argument, data.draw(door.wrong[argument]))


def flipped(old, at):
    return old[:at] + bytes([old[at] ^ 0x11]) + old[at:][1:]


CONFIGS = {
    "nothing": b"",
    "a half": lambda old: old[: len(old) // 2],
    "no object": b"[]",
    "a number": b"3",
    "no text": b"\xff\xfe\x00",
    "a pickle": pickle.dumps({"updater": 1}),
    "an empty object": b"{}",
    "an unknown argument": lambda old: json.dumps({**json.loads(old), "more": 1}).encode(),
    "a wrong one": lambda old: json.dumps({**json.loads(old), "steps": -1}).encode(),
    "a huge one": lambda old: json.dumps({**json.loads(old), "steps": 10**30}).encode(),
    "a part of another kind": lambda old: json.dumps({**json.loads(old), "updater": 3}).encode(),
    "a part without a class": lambda old: json.dumps({**json.loads(old), "updater": {"config": {}}}).encode(),
}
WEIGHTS = {
    "nothing": b"",
    "a half": lambda old: old[: len(old) // 2],
    "a pickle": pickle.dumps([1, 2]),
    "more": lambda old: old + b"x",
    **{
        f"byte {at}": lambda old, at=at: old[:at] + bytes([old[at] ^ 0x11]) + old[at + 1 :]
        for at in range(0, -200, -10)
    },
}


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *[("config.json", one) for one in CONFIGS.values()],
        *[("model.safetensors", one) for one in WEIGHTS.values()],
    ],
    ids=[*CONFIGS, *WEIGHTS],
)
def test_damaged_files(tmp_path, name, damage):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    file = tmp_path / name
    file.write_bytes(damage(file.read_bytes()) if callable(damage) else damage)
    with pytest.raises(DamagedRunError, match=rf"{name} is not as it was saved.*; put the right file back"):
        LearnedOptimizer.from_pretrained(tmp_path)
    unseal(tmp_path)
    with pytest.raises(DamagedRunError, match=r"is no whole saved optimizer .*; save it again"):
        LearnedOptimizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_files(tmp_path, name):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DamagedRunError, match=f"holds no {name} any more; put it back, or save it again"):
        LearnedOptimizer.from_pretrained(tmp_path)
    unseal(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"holds no {name}, so it is no saved optimizer; pass the folder"):
        LearnedOptimizer.from_pretrained(tmp_path)


def test_weights_of_another_optimizer_of_the_same_shapes(tmp_path):
    optimizer = LearnedOptimizer(MLPUpdater())
    optimizer.save_pretrained(tmp_path)
    other = {name: torch.ones_like(part) for name, part in optimizer.state_dict().items()}
    save_file(other, tmp_path / "model.safetensors")
    unseal(tmp_path)
    with pytest.raises(DamagedRunError, match="the weights are not those it was saved with"):
        LearnedOptimizer.from_pretrained(tmp_path)


def test_a_config_of_an_older_version_has_no_checksum(tmp_path):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["sha256"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    unseal(tmp_path)
    assert LearnedOptimizer.from_pretrained(tmp_path).steps == 1
