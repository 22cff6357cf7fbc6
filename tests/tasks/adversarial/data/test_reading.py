"""What a path names is told by what is there, and never guessed."""

from dataclasses import replace

import pytest
from own_images import archive
from pictures import pictures
from published import published

from tasks.adversarial import from_folder, from_npz, public_data, read_data
from tasks.adversarial.data.public import PUBLIC
from tasks.adversarial.presets.digits import DIGITS

PRESET = DIGITS["adversarial/digits-pgm-2"]


class TestReadData:
    @pytest.mark.parametrize("name", [None, "cifar10"])
    def test_an_archive(self, name, tmp_path):
        file = archive(tmp_path / "mine.npz")
        assert read_data(str(file), name).sha256 == from_npz(file).sha256

    @pytest.mark.parametrize("name", [None, "cifar10"])
    def test_pictures(self, name, tmp_path):
        folder = pictures(tmp_path / "pets")
        assert read_data(folder, name).sha256 == from_folder(folder).sha256

    @pytest.mark.parametrize("name", PUBLIC)
    def test_a_public_data_set(self, name, tmp_path, monkeypatch):
        folder = published(name, tmp_path, monkeypatch)
        assert read_data(folder, name).sha256 == public_data(name, folder).sha256

    def test_one_of_several_public_data_sets(self, tmp_path, monkeypatch):
        for name in PUBLIC:
            published(name, tmp_path, monkeypatch)
        assert [read_data(tmp_path, name).name for name in PUBLIC] == list(PUBLIC)

    @pytest.mark.parametrize("name", PUBLIC)
    def test_a_public_data_set_that_is_not_asked_for(self, name, tmp_path, monkeypatch):
        folder = published(name, tmp_path, monkeypatch)
        with pytest.raises(
            ValueError, match=f"holds {name}, which is read by name alone; call public_data.'{name}'"
        ):
            read_data(folder)

    @pytest.mark.parametrize("name", PUBLIC)
    def test_part_of_a_public_data_set(self, name, tmp_path, monkeypatch):
        folder, known = published(name, tmp_path, monkeypatch), PUBLIC[name]
        (folder / known.place / known.files[0]).unlink()
        with pytest.raises(ValueError, match=f"lacks {known.files[0]} of {name}"):
            read_data(folder, name)

    def test_both(self, tmp_path, monkeypatch):
        pictures(published("svhn", tmp_path, monkeypatch))
        with pytest.raises(
            ValueError, match="holds files of svhn and a folder train; keep pictures in a folder of"
        ):
            read_data(tmp_path, "svhn")

    def test_pictures_beside_another_public_data_set(self, tmp_path, monkeypatch):
        pictures(published("svhn", tmp_path, monkeypatch))
        assert read_data(tmp_path, "mnist").classes == 4

    def test_nothing(self, tmp_path):
        with pytest.raises(ValueError, match="holds no images that can be read; give a NumPy archive, or a folder"):
            read_data(tmp_path)
        with pytest.raises(ValueError, match=r"lacks train_32x32\.mat, test_32x32\.mat of svhn"):
            read_data(tmp_path, "svhn")
        with pytest.raises(ValueError, match=r"there is no file or folder .*nowhere; give a NumPy archive"):
            read_data(tmp_path / "nowhere")

    def test_a_name_that_is_none(self, tmp_path):
        with pytest.raises(ValueError, match="there is no name 'cifar'"):
            read_data(tmp_path, "cifar")


class TestPreset:
    def test_pictures_are_its_data(self, tmp_path):
        preset = replace(PRESET, data=pictures(tmp_path / "pets"), eps=0.1)
        built = preset.build()
        assert built.facts["data"] == "pets"
        assert built.facts["data_sha256"] == from_folder(preset.data).sha256
        assert preset.settings()["data"] == "pets"
        assert len(built.task.data.train) == 18

    @pytest.mark.parametrize("name", ["cifar10.v2", "mnist.old", "svhn/pictures", "mnist.train.npz"])
    def test_a_folder_whose_name_only_begins_so_has_none(self, tmp_path, name):
        with pytest.raises(ValueError, match="eps belongs to a data set, and no usual one is known"):
            _ = replace(PRESET, data=tmp_path / name).radius

    def test_a_folder_that_bears_a_usual_name_has_its_radius(self, tmp_path):
        assert replace(PRESET, data=tmp_path / "cifar10").radius == 8 / 255
