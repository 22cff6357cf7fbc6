"""What an expert showed: made of arrays, recorded, cut, stored and read."""

import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from doors import damages, wrong
from doors.door import Door, knock, knocked, knocks
from hypothesis import given
from hypothesis import strategies as st

from tasks.gail import Demonstrations, Trajectory, read_minari, record, write_minari
from tasks.gail.demonstrations.minari_files import read_own
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.experts.scripted import balance

SEED = wrong.not_a_count() | st.integers(min_value=2**32)
NOT_ARRAYS = st.sampled_from(
    ["", "1", None, {}, {1}, object(), int, 1j, print, 3, [None], [[1], [1, 2]], ["a", "b"]]
)
OBSERVATIONS = NOT_ARRAYS | st.sampled_from(
    [
        np.zeros((2, 4)),
        np.zeros((4, 4)),
        np.zeros(3),
        np.zeros((3, 4, 1)),
        np.full((3, 4), np.nan),
        np.full((3, 4), 1e39),
        np.zeros((3, 4), complex),
        np.zeros((3, 4), bool),
        np.zeros((3, 4), "datetime64[s]"),
        torch.zeros(2, 4),
        torch.zeros(3, 4, device="meta"),
    ]
)
ACTIONS = NOT_ARRAYS | st.sampled_from(
    [
        np.zeros(3, int),
        np.zeros(0, int),
        np.array(1),
        np.full(2, np.inf),
        np.zeros(2, bool),
        np.zeros(2, complex),
        np.array(["left", "right"]),
        torch.zeros(2, device="meta"),
    ]
)
REWARDS = st.sampled_from(
    [
        1.0,
        "",
        "ab",
        {},
        object(),
        [1.0],
        [[1.0], [1.0]],
        ["a", "b"],
        [1.0, np.nan],
        [1j, 1],
        [None, 1],
        [[1], [1, 2]],
    ]
)
ENTRIES = st.sampled_from([3, 0.5, None, object(), print, (one for one in "ab"), [], [1, 2]])
ID = st.sampled_from([None, 3, b"CartPole-v1", object(), make_environment])
KNOWN_ID = (
    ID | st.sampled_from(["", "CartPole", "NoSuchWorld-v0", "no_module:World-v0", "Taxi-v4"]) | st.text(max_size=8)
)
NO_PATH = st.sampled_from([3, 0.5, b"data", [], object(), True, ["a"]])
NO_NAME = st.sampled_from(
    [None, 3, b"mine-v0", [], "", "mine", "mine-v", "/mine-v0", "../mine-v0", "a/mine-v0", "mine-v0/"]
)


@cache
def shown():
    return record(balance, "CartPole-v1", 2, seed=0)


def trajectory():
    return {"observations": np.zeros((3, 4)), "actions": np.zeros(2, int), "rewards": np.zeros(2)}


def store(folder, **changed):
    return write_minari(**{"demonstrations": shown(), "name": "mine-v0", "root": folder, "source": "me", **changed})


DOORS = [
    Door(
        "Trajectory",
        Trajectory,
        trajectory,
        {
            "observations": OBSERVATIONS,
            "actions": ACTIONS,
            "rewards": REWARDS,
            "terminated": wrong.not_a_flag(),
            "truncated": wrong.not_a_flag(),
            "kept": st.sampled_from(
                [
                    3,
                    "01",
                    [],
                    [2],
                    [-1],
                    [1, 0],
                    [0, 0],
                    [0.0],
                    [True],
                    [[0]],
                    ["0"],
                    [None],
                    {},
                    object(),
                    [[0], [0, 1]],
                ]
            ),
        },
    ),
    Door(
        "Demonstrations",
        Demonstrations,
        lambda: {"environment_id": "CartPole-v1", "trajectories": (Trajectory(**trajectory()),)},
        {
            "environment_id": ID,
            "trajectories": st.sampled_from(
                [None, 3, "", (), [], [3], "abc", {}, Trajectory(**trajectory()), print]
            ),
        },
        told_as={"trajectories": "demonstrations"},
    ),
    Door(
        "Demonstrations.from_arrays",
        Demonstrations.from_arrays,
        lambda: {
            "environment_id": "CartPole-v1",
            "observations": [np.zeros((3, 4))],
            "actions": [np.zeros(2, int)],
            "rewards": [np.zeros(2)],
            "terminated": [True],
            "truncated": [False],
        },
        {
            "environment_id": ID,
            "observations": OBSERVATIONS.map(lambda one: [one]) | ENTRIES,
            "actions": ACTIONS.map(lambda one: [one]) | ENTRIES,
            "rewards": REWARDS.map(lambda one: [one]) | ENTRIES.filter(lambda value: value is not None),
            "terminated": wrong.not_a_flag().map(lambda one: [one]) | st.sampled_from([3, "yes", True, []]),
            "truncated": wrong.not_a_flag().map(lambda one: [one]) | st.sampled_from([3, "yes", True, []]),
        },
    ),
    Door(
        "record",
        record,
        lambda: {"policy": lambda _: 0, "environment_id": "CartPole-v1", "episodes": 1, "seed": 0},
        {
            "policy": wrong.not_callable()
            | st.sampled_from([torch.nn.Linear(4, 2), print, lambda seen: seen, int, len]),
            "environment_id": KNOWN_ID,
            "episodes": wrong.not_a_count(1),
            "seed": SEED,
        },
        told_as={"environment_id": "environment"},
    ),
    Door(
        "subsample",
        lambda **given: shown().subsample(**given),
        lambda: {"every": 2, "seed": 0},
        {
            "every": wrong.not_a_count(1) | st.integers(501, 10**6),
            "seed": SEED,
        },
        told_as={"every": "keeping one step in"},
    ),
    Door(
        "limit",
        lambda **given: shown().limit(**given),
        lambda: {"trajectories": 1},
        {
            "trajectories": wrong.not_a_count(1) | st.integers(3, 10**6),
        },
    ),
    Door(
        "split",
        lambda **given: shown().split(**given),
        lambda: {"held_out": 1},
        {
            "held_out": wrong.not_a_count(1) | st.integers(2, 10**6),
        },
        told_as={"held_out": "holding out"},
    ),
    Door(
        "check_against",
        lambda **given: shown().check_against(**given),
        lambda: {"environment": make_environment("CartPole-v1", seed=0)},
        {"environment": wrong.not_a() | st.builds(lambda: make_environment("Acrobot-v1", seed=0))},
    ),
    Door(
        "write_minari",
        lambda **given: store("datasets", **given),
        dict,
        {
            "demonstrations": wrong.not_a(Demonstrations)
            | st.builds(lambda: shown().subsample(2, seed=0))
            | st.builds(lambda: Demonstrations("Nowhere-v0", shown().trajectories)),
            "name": NO_NAME,
            "root": NO_PATH,
            "source": st.sampled_from([None, 3, "", [], b"me", object()]),
        },
        told_as={"name": "no name of a Minari dataset", "demonstrations": "environment"},
    ),
    Door(
        "read_minari",
        read_minari,
        lambda: {"name": "mine-v0", "root": "datasets"},
        {
            "name": NO_NAME | st.just("nowhere-v0"),
            "root": NO_PATH | st.sampled_from(["nowhere", __file__]),
        },
        told_as={"name": "dataset", "root": "no dataset"},
    ),
    Door(
        "read_own",
        read_own,
        lambda: {"path": Path("datasets")},
        {
            "path": NO_PATH | st.sampled_from([Path("nowhere"), Path(__file__), Path(__file__).parent]),
        },
        told_as={"path": "folder"},
    ),
]


@pytest.mark.parametrize(("door", "argument"), knocks(*DOORS), ids=str)
@given(data=st.data())
def test_wrong_values_are_refused(door, argument, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    knock(door, argument, data.draw(door.wrong[argument]))
    shutil.rmtree("datasets", ignore_errors=True)


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_right_values_are_taken(door, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if door.name.startswith("read"):
        store("datasets")
    door.open(**door.right())


@pytest.mark.parametrize("name", ["data/metadata.json", "data/main_data.hdf5", "checksums.json"])
@given(damage=damages.DAMAGES)
def test_a_damaged_dataset_is_refused(name, damage, tmp_path_factory):
    whole = tmp_path_factory.getbasetemp() / "whole"
    if not whole.exists():
        store(whole)
    damaged = whole.with_name("damaged")
    shutil.copytree(whole, damaged)
    try:
        damage(damaged / "mine-v0" / name)
        knocked["read_minari of damaged files"] = knocked.get("read_minari of damaged files", 0) + 1
        if (damaged / "mine-v0" / name).exists() or name != "checksums.json":
            with pytest.raises(ValueError, match="cannot be read as a Minari dataset"):
                read_minari("mine-v0", root=damaged)
        else:  # as of a stranger
            assert read_minari("mine-v0", root=damaged).sha256 == shown().sha256
    finally:
        shutil.rmtree(damaged)
