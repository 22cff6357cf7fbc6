"""Public data sets are read from files in their real formats, or refused; no stranger's pickle is run."""

import pickle
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch
from published import COUNT, labels, pixels, published
from torchvision.datasets import cifar, mnist, svhn

from minimax_l2l import MissingExtraError
from tasks.adversarial import ImageData, Images, public_data
from tasks.adversarial.data.public import PUBLIC
from tasks.adversarial.data.split import set_apart

SHAPES = {name: (1, 28, 28) if "mnist" in name else (3, 32, 32) for name in PUBLIC}
FILES = [(name, file) for name, known in PUBLIC.items() for file in known.files]


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


@pytest.fixture(params=PUBLIC)
def name(request):
    return request.param


@pytest.fixture
def folder(name, tmp_path, monkeypatch):
    return published(name, tmp_path / "data", monkeypatch)


class TestReading:
    def test_parts(self, name, folder):
        data, scale = public_data(name, folder), 11 if name == "cifar100" else 1
        assert (data.name, data.shape, data.classes) == (name, SHAPES[name], 100 if name == "cifar100" else 10)
        assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, COUNT["test"])
        assert torch.equal(data.test.images, torch.from_numpy(pixels("test", *SHAPES[name])))
        assert data.test.labels.tolist() == (labels("test") * scale).tolist()
        whole = Images(pixels("train", *SHAPES[name]), labels("train") * scale)
        for part, expected in zip((data.train, data.validation), set_apart(whole, folder), strict=True):
            assert torch.equal(part.images, expected.images)
            assert torch.equal(part.labels, expected.labels)

    def test_bytes_in_one_piece(self, name, folder):
        for part in (public_data(name, str(folder)).train, public_data(name, folder).test):
            assert (part.images.dtype, part.labels.dtype) == (torch.uint8, torch.int64)
            assert part.images.is_contiguous()

    def test_the_checksum_is_that_of_the_images(self, name, folder):
        data = public_data(name, folder)
        assert data.sha256 == ImageData("other", data.train, data.validation, data.test, data.classes).sha256

    def test_nothing_is_downloaded_that_is_there(self, name, folder, monkeypatch):
        for module in (cifar, mnist):
            monkeypatch.setattr(module, "download_and_extract_archive", lambda *_, **__: pytest.fail("downloads"))
        monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("downloads"))
        assert public_data(name, folder, download=True).sha256 == public_data(name, folder).sha256


class TestRefusals:
    def test_a_folder_that_is_not_there(self, name, tmp_path):
        with pytest.raises(
            ValueError, match=f"nowhere lacks .* of {name}, in .*; name the folder that holds them"
        ) as one:
            public_data(name, tmp_path / "nowhere")
        assert all(file in str(one.value) for file in PUBLIC[name].files)
        assert f"public_data('{name}', '{tmp_path / 'nowhere'}', download=True)" in str(one.value)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(("name", "file"), FILES)
    def test_a_missing_file_is_named(self, name, file, folder):
        (folder / PUBLIC[name].place / file).unlink()
        with pytest.raises(ValueError, match=f"data lacks {file} of {name}, in "):
            public_data(name, folder)

    @pytest.mark.parametrize("damage", ["half", "empty", "text", "pickle"])
    @pytest.mark.parametrize(("name", "file"), FILES)
    def test_a_damaged_file(self, name, file, damage, folder, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path = folder / PUBLIC[name].place / file
        whole = path.read_bytes()
        path.write_bytes(
            {"half": whole[: len(whole) // 2], "empty": b"", "text": b"no data", "pickle": pickle.dumps(Bomb())}[
                damage
            ]
        )
        with pytest.raises(
            ValueError, match=f"{name} cannot be read from .*data .*; put the published files into"
        ) as one:
            public_data(name, folder)
        assert file in str(one.value)
        assert not Path("exploded").exists()

    @pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
    def test_files_of_an_earlier_torchvision_run_no_code(self, folder, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        processed = (folder / PUBLIC[name].place).parent / "processed"
        processed.mkdir()
        for file in ("training.pt", "test.pt"):
            (processed / file).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError, match=f"{name} cannot be read from .*; put the published files into"):
            public_data(name, folder)
        assert not Path("exploded").exists()

    def test_the_bomb_would_explode(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        pickle.loads(pickle.dumps(Bomb()))
        assert Path("exploded").exists()

    @pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
    @pytest.mark.parametrize(
        ("file", "change", "reason"),
        [
            ("t10k-labels-idx1-ubyte", lambda whole: whole[:8] + bytes([77]) + whole[9:], "got 1 to 77"),
            ("t10k-labels-idx1-ubyte", lambda whole: whole[:7] + bytes([3]) + whole[8:11], "8 images need labels"),
            ("train-images-idx3-ubyte", lambda whole: b"\0\0\x0d\x03" + whole[4:], "is invalid for input"),
            ("train-images-idx3-ubyte", lambda whole: b"\0\0\x08\x09" + whole[4:], "AssertionError"),
        ],
    )
    def test_what_is_in_a_file_is_checked(self, name, file, change, reason, folder):
        path = folder / PUBLIC[name].place / file
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(ValueError, match=rf"{name} cannot be read from .*\(.*{reason}.*\); put the published"):
            public_data(name, folder)

    def test_a_name_that_is_none(self, tmp_path):
        with pytest.raises(ValueError, match="there is no name 'cifar-10'; did you mean 'cifar10'"):
            public_data("cifar-10", tmp_path)

    def test_a_download_that_fails(self, name, tmp_path, monkeypatch):
        def fails(*_, **__):
            raise urllib.error.URLError("no route to host")

        for module in (cifar, mnist):
            monkeypatch.setattr(module, "download_and_extract_archive", fails)
        monkeypatch.setattr(svhn, "download_url", fails)
        with pytest.raises(
            ValueError, match=f"{name} cannot be downloaded into .*no route to host.*; put the published"
        ):
            public_data(name, tmp_path / "data", download=True)

    @pytest.mark.parametrize(
        ("missing", "name", "sentence"),
        [
            ("torchvision", "mnist", 'reading mnist needs torchvision.*pip install "minimax-l2l[vision]"'),
            ("scipy", "svhn", 'reading svhn needs scipy.*pip install "minimax-l2l[vision]"'),
        ],
    )
    def test_missing_extras(self, missing, name, sentence, tmp_path, monkeypatch):
        for module in [module for module in sys.modules if module.split(".")[0] == missing]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, missing, None)
        with pytest.raises(MissingExtraError, match=sentence.replace("[", r"\[").replace("]", r"\]")):
            public_data(name, tmp_path)
