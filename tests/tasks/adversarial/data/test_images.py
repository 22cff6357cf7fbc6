"""Images are checked once, at the door."""

import numpy as np
import pytest
import torch

from tasks.adversarial import Images

PIXELS = torch.full((4, 1, 8, 8), 0.5)
LABELS = torch.tensor([0, 1, 2, 1])


def changed(value: float) -> torch.Tensor:
    """The images with one pixel changed."""
    images = PIXELS.clone()
    images[1, 0, 2, 3] = value
    return images


class TestImages:
    def test_whole_images(self):
        images = Images(PIXELS, LABELS.to(torch.int8))
        assert len(images) == 4
        assert images.labels.dtype == torch.int64
        assert torch.equal(images.first(2).labels, LABELS[:2])

    @pytest.mark.parametrize(
        ("images", "sentence"),
        [
            (PIXELS + 1, r"images must lie in \[0, 1\], got values from 1.5 to 1.5; rescale them"),
            (changed(-0.01), r"images must lie in \[0, 1\], got values from -0.01 to 0.5"),
            (changed(1.001), r"images must lie in \[0, 1\], got values from 0.5 to 1.001"),
            (changed(torch.inf), r"images must lie in \[0, 1\], got values from 0.5 to inf"),
            (changed(-torch.inf), r"images must lie in \[0, 1\], got values from -inf to 0.5"),
            (changed(torch.nan), "1 of 4 images hold NaN pixels; drop or repair them"),
            (
                PIXELS[:, 0],
                r"shape \(n, channels, height, width\) .*, got \(4, 8, 8\); of one image pass images\[None\]",
            ),
            (torch.zeros(4, 8, 8, 3), r"got \(4, 8, 8, 3\), which would be 8 channels; channels come first: give"),
            (
                torch.zeros(4, 32, 32, 3, dtype=torch.uint8),
                r"32 channels; channels come first.*permute\(0, 3, 1, 2\)",
            ),
            (torch.zeros(4, 28, 28, 1), "28 channels; channels come first"),
            (torch.zeros(4, 5, 8, 4), "5 channels; channels come first"),
            (PIXELS[:0], r"with n >= 1, got \(0, 1, 8, 8\)"),
            (torch.tensor(0.5), r"shape \(n, channels, height, width\) with n >= 1, got \(\)"),
        ],
    )
    def test_pixels_that_are_refused(self, images, sentence):
        with pytest.raises(ValueError, match=sentence):
            Images(images, LABELS[: len(images)] if images.dim() else LABELS)

    def test_both_ends_are_pixels(self):
        assert len(Images(changed(0.0), LABELS)) == len(Images(changed(1.0), LABELS)) == 4

    @pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.uint16, torch.bool, torch.complex64])
    def test_pixels_are_bytes_or_floating_point(self, dtype):
        with pytest.raises(
            TypeError, match=rf"bytes \(uint8, 0 to 255\) or floating point .*, got {dtype}; (of|pass)"
        ):
            Images(PIXELS.to(dtype), LABELS)

    def test_bytes_stay_bytes_until_a_network_takes_them(self):
        levels = torch.arange(256, dtype=torch.uint8).view(4, 1, 8, 8)
        images = Images(levels, LABELS)
        assert images.images.data_ptr() == levels.data_ptr()
        assert torch.equal(images.pixels(), torch.arange(256).view(4, 1, 8, 8) / 255)
        assert torch.equal(images.pixels(torch.tensor([2, 0])), images.pixels()[[2, 0]])
        assert images.first(3).images.dtype == torch.uint8

    @pytest.mark.parametrize("white", [1, 2, 16])
    @pytest.mark.parametrize("as_given", [torch.Tensor.byte, lambda pixels: pixels.byte().numpy()])
    def test_bytes_whose_white_is_not_255_are_warned_of(self, white, as_given):
        levels = as_given(white * changed(1.0).round())
        sentence = f"brightest pixel of 4 images is {white}, .* where {white} is white, pass images / {white}.0,"
        with pytest.warns(UserWarning, match=sentence) as heard:
            Images(levels, LABELS)
        assert heard[0].filename == __file__
        assert torch.equal(Images(levels / float(white), LABELS).pixels(), changed(1.0).round())  # what is advised

    @pytest.mark.parametrize("brightest", [0, 17, 255])
    def test_bytes_that_may_be_dark_or_black_are_not(self, brightest):
        levels = torch.zeros(600, 1, 1, 1, dtype=torch.uint8)
        levels[-1] = brightest
        assert int(Images(levels, torch.zeros(600).long()).images.max()) == brightest

    @pytest.mark.parametrize("places", [slice(None), slice(2), torch.tensor([1, 3])])
    def test_pixels_may_be_spoiled(self, places):
        images = Images(PIXELS.clone(), LABELS)
        images.pixels(places).mul_(-5)
        assert torch.equal(images.images, PIXELS)

    def test_arrays(self):
        images = Images(PIXELS.numpy(), LABELS.tolist())
        assert torch.equal(images.images, PIXELS)
        assert torch.equal(images.labels, LABELS)

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("turned", [(), 0, (2, 3)])
    def test_arrays_of_any_byte_order_and_direction(self, order, turned):
        pixels, labels = np.flip(PIXELS.numpy().astype(f"{order}f4"), turned), LABELS.numpy().astype(f"{order}i4")
        images = Images(pixels, labels)
        assert np.array_equal(images.images.numpy(), pixels)
        assert torch.equal(images.labels, LABELS)

    def test_a_file_of_pixels_need_not_be_writable(self, tmp_path):
        np.save(tmp_path / "pixels.npy", PIXELS.numpy())
        images = Images(np.load(tmp_path / "pixels.npy", mmap_mode="r"), LABELS)
        images.pixels(slice(None)).mul_(-5)
        assert torch.equal(images.images, PIXELS)

    @pytest.mark.parametrize("hidden", [False, True])
    def test_masked_arrays_are_refused(self, hidden):
        masked = np.ma.array(PIXELS.numpy(), mask=np.full(PIXELS.shape, hidden))
        with pytest.raises(TypeError, match=r"got a masked array; pass images.filled\(0\)"):
            Images(masked, LABELS)
        with pytest.raises(TypeError, match=r"got a masked array; number the classes from 0"):
            Images(PIXELS, np.ma.array(LABELS.numpy(), mask=hidden))

    @pytest.mark.parametrize("source", ["pixels", {"images": 1}, [PIXELS, "x"], object()])
    def test_what_is_no_array(self, source):
        with pytest.raises(TypeError, match="images must be a tensor or an array of numbers, got"):
            Images(source, LABELS)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
    def test_labels_are_whole_numbers(self, dtype):
        with pytest.raises(TypeError, match=rf"labels must be whole numbers, got {dtype}"):
            Images(PIXELS, LABELS.to(dtype))

    @pytest.mark.parametrize("labels", [LABELS[:3], LABELS[:, None], torch.eye(4, dtype=torch.int64)])
    def test_one_label_an_image(self, labels):
        with pytest.raises(ValueError, match=r"4 images need labels of shape \(4,\), got"):
            Images(PIXELS, labels)
