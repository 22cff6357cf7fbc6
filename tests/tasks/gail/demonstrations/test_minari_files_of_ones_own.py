"""A person's own Minari dataset is found in the folder that they name."""

from pathlib import Path

import pytest

from tasks.gail import record, write_minari
from tasks.gail.demonstrations.minari_files import read_own
from tasks.gail.experts.scripted import push_left

SHOWN = record(push_left, "CartPole-v1", 2, seed=0)


@pytest.fixture
def root(tmp_path):
    write_minari(SHOWN, "mine/cartpole/left-v0", root=tmp_path, source="scripted")
    return tmp_path


@pytest.mark.parametrize("folder", ["mine/cartpole/left-v0", "mine/cartpole", "."])
def test_in_its_folder_or_one_above(folder, root):
    assert read_own(root / folder).sha256 == SHOWN.sha256


def test_in_the_working_directory(root, monkeypatch):
    monkeypatch.chdir(root / "mine/cartpole/left-v0")
    assert read_own(Path()).sha256 == SHOWN.sha256


def test_one_of_several_must_be_named(root):
    write_minari(SHOWN, "mine/again-v1", root=root, source="scripted")
    with pytest.raises(ValueError, match=r"holds 2 Minari datasets, mine/again-v1, \S*left-v0 among them; give"):
        read_own(root)
    assert len(read_own(root / "mine/again-v1")) == 2


def test_one_that_was_renamed(root):
    (root / "mine/cartpole/left-v0").rename(root / "mine/cartpole/left")
    with pytest.raises(ValueError, match=r"left is no longer called as Minari called it.*for example left-v0"):
        read_own(root)


def test_none(tmp_path):
    with pytest.raises(ValueError, match="holds no Minari dataset; give a folder that"):
        read_own(tmp_path)


def test_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere; give that of a Minari dataset"):
        read_own(tmp_path / "nowhere")


def test_a_damaged_one(root):
    file = root / "mine/cartpole/left-v0/data/main_data.hdf5"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(ValueError, match="cannot be read as a Minari dataset"):
        read_own(root)
