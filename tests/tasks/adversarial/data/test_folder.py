"""Pictures of one's own are read from a folder of class folders, or refused in a sentence that names the file."""

import shutil
import sys

import numpy as np
import pytest
import torch
from pictures import picture, pictures
from PIL import Image

from minimax_l2l import MissingExtraError
from tasks.adversarial import Images, from_folder
from tasks.adversarial.data.split import set_apart


@pytest.fixture
def folder(tmp_path):
    return pictures(tmp_path / "pets")


def expected(part: int, each: int = 5) -> torch.Tensor:
    images = [picture(1000 * part + 100 * number + count) for number in range(4) for count in range(each)]
    return torch.from_numpy(np.stack(images)).movedim(-1, 1)


class TestReading:
    def test_parts(self, folder):
        data = from_folder(folder)
        assert (data.name, data.shape, data.classes) == ("pets", (3, 8, 8), 4)
        assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 20)
        assert data.test.images.dtype == torch.uint8
        assert torch.equal(data.test.images, expected(1))
        assert data.test.labels.tolist() == [number for number in range(4) for _ in range(5)]
        whole = Images(expected(0), data.test.labels)
        for part, own in zip((data.train, data.validation), set_apart(whole, folder), strict=True):
            assert torch.equal(part.images, own.images)
            assert torch.equal(part.labels, own.labels)

    def test_a_validation_part_of_its_own(self, tmp_path):
        data = from_folder(str(pictures(tmp_path / "pets", parts=("train", "validation", "test"), each=2)))
        assert torch.equal(data.train.images, expected(0, each=2))
        assert torch.equal(data.validation.images, expected(1, each=2))
        assert torch.equal(data.test.images, expected(2, each=2))

    def test_the_name_is_the_folders_however_it_is_written(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        assert from_folder(".").name == "pets"

    @pytest.mark.parametrize("ending", ["bmp", "ppm", "tif", "webp"])
    def test_pictures_of_other_kinds(self, folder, ending):
        data = from_folder(folder)
        for file in (folder / "test").rglob("*.png"):
            with Image.open(file) as opened:
                opened.save(file.with_suffix(f".{ending}"), **({"lossless": True} if ending == "webp" else {}))
            file.unlink()
        assert torch.equal(from_folder(folder).test.images, data.test.images)

    @pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA"])
    def test_pictures_of_other_modes_become_colours(self, folder, mode):
        file = folder / "test" / "bird" / "0.png"
        changed = Image.fromarray(picture(7)).convert(mode)
        changed.save(file)
        found = from_folder(folder).test.images[0].movedim(0, -1)
        assert np.array_equal(found.numpy(), np.array(changed.convert("RGB")))

    def test_other_files_are_left_out(self, folder):
        (folder / "train" / "cat" / "notes.txt").write_text("whiskers")
        assert len(from_folder(folder).train) == 18


class TestSize:
    def test_pictures_of_any_size_get_one(self, folder):
        Image.fromarray(picture(1, height=20, width=11)).save(folder / "train" / "cat" / "large.png")
        data = from_folder(folder, size=6)
        assert data.shape == (3, 6, 6)
        assert from_folder(folder, size=(4, 7)).shape == (3, 4, 7)

    def test_the_same_size_changes_nothing(self, folder):
        assert torch.equal(from_folder(folder, size=8).test.images, from_folder(folder).test.images)

    def test_what_is_too_fine_for_it_is_averaged(self, tmp_path):
        """Stripes one pixel wide become grey; without antialiasing they would stay black or white."""
        folder = pictures(tmp_path / "stripes", height=32, width=32)
        stripes = np.zeros((32, 32, 3), np.uint8)
        stripes[:, ::2] = 255
        for file in (folder / "test").rglob("*.png"):
            Image.fromarray(stripes).save(file)
        inside = from_folder(folder, size=8).test.images[..., 1:-1].float()
        assert (inside - 127.5).abs().max() < 4

    @pytest.mark.parametrize("size", [(8,), (8, 8, 3), ()])
    def test_sizes_of_no_picture(self, size, folder):
        with pytest.raises(ValueError, match=r"size must be a number of pixels or \(height, width\), got tuple"):
            from_folder(folder, size=size)
        with pytest.raises(ValueError, match="size must be at least 1"):
            from_folder(folder, size=0)


class TestRefusals:
    @pytest.mark.parametrize("part", ["train", "test"])
    def test_a_part_that_is_not_there(self, part, folder):
        shutil.rmtree(folder / part)
        with pytest.raises(ValueError, match=f"pets has no folder {part}; put pictures into train/CLASS"):
            from_folder(folder)

    def test_no_folder(self, tmp_path):
        with pytest.raises(ValueError, match="nowhere has no folder train and no folder test"):
            from_folder(tmp_path / "nowhere")

    def test_no_classes(self, folder):
        shutil.rmtree(folder / "train")
        (folder / "train").mkdir()
        with pytest.raises(ValueError, match="train has no class folder"):
            from_folder(folder)

    @pytest.mark.parametrize(("part", "name"), [("test", "cat"), ("train", "dog")])
    def test_classes_that_differ(self, part, name, folder):
        shutil.rmtree(folder / part / name)
        with pytest.raises(
            ValueError, match=f"test and .*train have different classes: only one of them has {name};"
        ):
            from_folder(folder)

    @pytest.mark.parametrize("part", ["train", "test"])
    def test_a_class_without_pictures(self, part, folder):
        for file in (folder / part / "eel").iterdir():
            file.rename(file.with_suffix(".txt"))
        with pytest.raises(ValueError, match=rf"{part} lacks pictures \(.*classes eel.*\); give each class some"):
            from_folder(folder)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda whole: b"",
            lambda whole: b"no picture",
            lambda whole: whole[: len(whole) // 2],
            lambda whole: whole[:60] + bytes(8) + whole[68:],
        ],
    )
    def test_a_damaged_picture(self, damage, folder):
        file = folder / "test" / "dog" / "3.png"
        file.write_bytes(damage(file.read_bytes()))
        with pytest.raises(
            ValueError, match=r"dog/3\.png is no readable picture \(.+\); repair it, or take it away"
        ):
            from_folder(folder)

    def test_a_format_that_is_not_asked_for(self, folder):
        """Pillow reads many, some by starting another program, whatever a file's name ends in."""
        Image.fromarray(picture(1)).save(folder / "train" / "cat" / "0.png", format="GIF")
        with pytest.raises(ValueError, match=r"cat/0\.png is no readable picture \(cannot identify image file"):
            from_folder(folder)

    def test_sixteen_bits(self, folder):
        Image.fromarray(np.full((8, 8), 1000, np.uint16)).save(folder / "train" / "cat" / "deep.png")
        with pytest.raises(ValueError, match=r"deep\.png has more than a byte per channel .*; save it with 8 bits"):
            from_folder(folder)

    def test_pictures_of_two_sizes(self, folder):
        Image.fromarray(picture(1, height=9)).save(folder / "train" / "cat" / "tall.png")
        sentence = r"one size, got .*bird/0\.png of 8 x 8 pixels and .*cat/tall\.png of 9 x 8; resize them, or read"
        with pytest.raises(ValueError, match=sentence):
            from_folder(folder)

    def test_parts_of_two_sizes(self, folder):
        shutil.rmtree(folder / "test")
        pictures(folder, parts=("test",), width=10)
        with pytest.raises(
            ValueError, match="test has pictures of 8 x 10 pixels, train those of 8 x 8; resize them"
        ):
            from_folder(folder)

    def test_too_few_to_set_some_apart(self, tmp_path):
        with pytest.raises(ValueError, match="pets holds 8 training images; at least 10"):
            from_folder(pictures(tmp_path / "pets", each=2))

    def test_missing_extra(self, folder, monkeypatch):
        for module in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, "torchvision", None)
        with pytest.raises(MissingExtraError, match=r'torchvision.*pip install "minimax-l2l\[vision\]"'):
            from_folder(folder)
