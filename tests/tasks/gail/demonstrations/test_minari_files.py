"""Demonstrations on disk: whole, local, and without a trace elsewhere."""

import json
import os
import socket
import sys
from pathlib import Path

import gymnasium
import minari
import numpy as np
import pytest
from demonstrators import at_random, pump
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.envs.registration import EnvSpec

from minimax_l2l.extras import MissingExtraError
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.minari_files import read_minari, read_own, write_minari
from tasks.gail.demonstrations.recording import record
from tasks.gail.environments.fixed_horizon import CARTPOLE
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.experts.scripted import balance, push_left

LEFT = record(push_left, "CartPole-v1", 2, seed=0)
NAME = "minimax_l2l/mountain-car/expert-v0"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No network, and a home of one's own."""

    def refuse(*arguments, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MINARI_DATASETS_PATH", raising=False)


@pytest.fixture(scope="module")
def shown():
    return record(pump, "MountainCar-v0", 3, seed=0)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class TestRoundTrip:
    @pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", CARTPOLE])
    def test_what_is_read_is_what_was_written(self, tmp_path, name):
        policy = at_random(make_environment(name, seed=0)) if name == "Pendulum-v1" else balance
        written = record(policy, name, 2, seed=0)
        write_minari(written, "a/b/c-v3", root=tmp_path, source="test")
        read = read_minari("a/b/c-v3", root=tmp_path)
        assert read.sha256 == written.sha256
        np.testing.assert_array_equal(read.returns, written.returns)
        read.check_against(make_environment(name, seed=0))
        for one, other in zip(read.trajectories, written.trajectories, strict=True):
            assert one.observations.dtype == other.observations.dtype
            assert one.actions.dtype == other.actions.dtype

    def test_unknown_rewards_stay_unknown(self, tmp_path, shown):
        bare = Demonstrations.from_arrays(
            "MountainCar-v0",
            [one.observations for one in shown.trajectories],
            [one.actions for one in shown.trajectories],
        )
        write_minari(bare, NAME, root=tmp_path, source="test")
        assert all(one.rewards is None for one in read_minari(NAME, root=tmp_path).trajectories)

    def test_minari_reads_it_too(self, tmp_path, shown, monkeypatch):
        folder = write_minari(shown, NAME, root=tmp_path, source="pump")
        assert folder == tmp_path / NAME
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
        dataset = minari.load_dataset(NAME)
        assert list(minari.list_local_datasets()) == [NAME]
        assert dataset.total_steps == sum(map(len, shown.trajectories))
        assert dataset[0].observations.shape == (len(dataset[0].actions) + 1, 2)
        assert minari.MinariDataset(folder / "data").storage.metadata["algorithm_name"] == "pump"

    def test_a_relative_root(self, tmp_path, shown, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert str(write_minari(shown, NAME, root="data", source="test")) == f"data/{NAME}"
        assert read_minari(NAME, root="data").sha256 == shown.sha256

    def test_a_root_of_minaris_own(self, tmp_path, shown, monkeypatch):
        assert write_minari(shown, NAME, source="test") == tmp_path / "home" / ".minari" / "datasets" / NAME
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "elsewhere"))
        assert write_minari(shown, NAME, source="test") == tmp_path / "elsewhere" / NAME
        assert read_minari(NAME).sha256 == shown.sha256


class TestTraces:
    @pytest.mark.parametrize("before", [None, "somewhere"])
    def test_the_environment_variable_is_put_back(self, tmp_path, shown, before, monkeypatch):
        if before is not None:
            monkeypatch.setenv("MINARI_DATASETS_PATH", before)
        write_minari(shown, NAME, root=tmp_path / "root", source="test")
        read_minari(NAME, root=tmp_path / "root")
        assert os.environ.get("MINARI_DATASETS_PATH") == before
        assert everything(tmp_path / "root")[:3] == ["minimax_l2l", "minimax_l2l/mountain-car", NAME]
        assert not (tmp_path / "home").exists()

    def test_a_failed_write_leaves_nothing(self, tmp_path, shown, monkeypatch):
        monkeypatch.setattr("minari.dataset._storages.hdf5_storage._add_episode_to_group", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_minari(shown, NAME, root=tmp_path, source="test")
        assert everything(tmp_path) == []
        assert "MINARI_DATASETS_PATH" not in os.environ

    def test_a_name_that_is_taken_is_refused_and_kept(self, tmp_path, shown):
        write_minari(shown, NAME, root=tmp_path, source="test")
        with pytest.raises(ValueError, match=r"there is a dataset .* already; give another name or version"):
            write_minari(shown.limit(1), NAME, root=tmp_path, source="test")
        assert read_minari(NAME, root=tmp_path).sha256 == shown.sha256


class TestRefusals:
    @pytest.mark.parametrize(
        "name", ["expert", "../expert-v0", "/tmp/expert-v0", "a//b-v0", "a/bb-v0", "", "a/b-v0\n", "a b-v0"]
    )
    def test_names(self, tmp_path, shown, name):
        with pytest.raises(ValueError, match="is no name of a Minari dataset; give namespaces"):
            write_minari(shown, name, root=tmp_path, source="test")
        with pytest.raises(ValueError, match="is no name of a Minari dataset; give namespaces"):
            read_minari(name, root=tmp_path)
        assert everything(tmp_path) == []

    def test_subsampled_ones(self, tmp_path, shown):
        with pytest.raises(ValueError, match="sub-sampled already; store the whole ones"):
            write_minari(shown.subsample(5, seed=0), NAME, root=tmp_path, source="test")

    def test_ones_that_do_not_fit_their_environment(self, tmp_path):
        wrong = Demonstrations.from_arrays("CartPole-v1", [np.zeros((2, 2))], [[0]])
        with pytest.raises(ValueError, match="give raw observations, and those of this environment"):
            write_minari(wrong, NAME, root=tmp_path, source="test")

    def test_ones_whose_environment_a_file_cannot_name(self, tmp_path, monkeypatch):
        monkeypatch.setitem(gymnasium.registry, "mine/Pole-v0", EnvSpec("mine/Pole-v0", entry_point=CartPoleEnv))
        shown = record(lambda _: 0, "mine/Pole-v0", 1, seed=0)
        with pytest.raises(
            ValueError, match=r"registered with <class .*CartPoleEnv'>; register it with entry_point"
        ):
            write_minari(shown, NAME, root=tmp_path, source="test")
        assert everything(tmp_path) == []

    def test_what_is_no_demonstrations_or_says_no_source(self, tmp_path, shown):
        with pytest.raises(TypeError, match="must be Demonstrations, got str"):
            write_minari("x", NAME, root=tmp_path, source="test")
        for source in (None, 3, ""):
            with pytest.raises(TypeError, match=f"source must be words, got {source!r}; say who was recorded"):
                write_minari(shown, NAME, root=tmp_path, source=source)
        assert everything(tmp_path) == []

    def test_what_is_not_there(self, tmp_path):
        with pytest.raises(ValueError, match=r"there is no dataset .*; write it first"):
            read_minari(NAME, root=tmp_path)

    @pytest.mark.parametrize("file", ["main_data.hdf5", "metadata.json"])
    @pytest.mark.parametrize("damage", ["cut", "gone"])
    def test_damaged_files(self, tmp_path, shown, file, damage):
        target = write_minari(shown, NAME, root=tmp_path, source="test") / "data" / file
        content = target.read_bytes()
        target.unlink()
        if damage == "cut":
            target.write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match="cannot be read as a Minari dataset"):
            read_minari(NAME, root=tmp_path)

    def test_a_file_never_makes_us_run_the_environment_it_names(self, tmp_path, shown):
        file = write_minari(shown, NAME, root=tmp_path, source="test") / "data" / "metadata.json"
        metadata = json.loads(file.read_text())
        (file.parents[1] / "checksums.json").unlink()  # as in a stranger's dataset
        del metadata["action_space"]
        file.write_text(json.dumps(metadata))
        with pytest.raises(ValueError, match="it does not say its spaces"):
            read_minari(NAME, root=tmp_path)
        metadata |= {"action_space": '{"type": "Discrete", "dtype": "int64", "start": 0, "n": 3}'}
        del metadata["env_spec"]
        file.write_text(json.dumps(metadata))
        with pytest.raises(ValueError, match="it does not say its environment"):
            read_minari(NAME, root=tmp_path)

    @pytest.mark.parametrize("module", ["minari", "h5py", "PIL"])
    def test_a_missing_extra(self, tmp_path, shown, module, monkeypatch):
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == module:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
        with pytest.raises(MissingExtraError, match=rf'needs {module}.*pip install "minimax-l2l\[gail\]"'):
            write_minari(shown, NAME, root=tmp_path, source="test")
        with pytest.raises(MissingExtraError, match=r"minimax-l2l\[gail\]"):
            read_minari(NAME, root=tmp_path)


class TestOnesOwn:
    """A person's own dataset is found in the folder that they name."""

    @pytest.fixture
    def root(self, tmp_path):
        write_minari(LEFT, "mine/cartpole/left-v0", root=tmp_path, source="scripted")
        return tmp_path

    @pytest.mark.parametrize("folder", ["mine/cartpole/left-v0", "mine/cartpole", "."])
    def test_in_its_folder_or_one_above(self, folder, root):
        assert read_own(root / folder).sha256 == LEFT.sha256

    def test_in_the_working_directory(self, root, monkeypatch):
        monkeypatch.chdir(root / "mine/cartpole/left-v0")
        assert read_own(Path()).sha256 == LEFT.sha256

    def test_one_of_several_must_be_named(self, root):
        write_minari(LEFT, "mine/again-v1", root=root, source="scripted")
        with pytest.raises(ValueError, match=r"holds 2 Minari datasets, mine/again-v1, \S*left-v0 among them"):
            read_own(root)
        assert len(read_own(root / "mine/again-v1")) == 2

    def test_one_that_was_renamed(self, root):
        (root / "mine/cartpole/left-v0").rename(root / "mine/cartpole/left")
        with pytest.raises(ValueError, match=r"left is no longer called as Minari called it.*for example left-v0"):
            read_own(root)

    def test_none(self, tmp_path):
        with pytest.raises(ValueError, match="holds no Minari dataset; give a folder that"):
            read_own(tmp_path)

    def test_no_folder(self, tmp_path):
        with pytest.raises(ValueError, match=r"there is no folder .*nowhere; give that of a Minari dataset"):
            read_own(tmp_path / "nowhere")

    def test_a_damaged_one(self, root):
        file = root / "mine/cartpole/left-v0/data/main_data.hdf5"
        file.write_bytes(file.read_bytes()[:200])
        with pytest.raises(ValueError, match="cannot be read as a Minari dataset"):
            read_own(root)
