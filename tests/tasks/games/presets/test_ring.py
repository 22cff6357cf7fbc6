"""The ring of Gaussians: which modes samples cover."""

import math

import pytest
import torch

from tasks.games.presets.ring import DEVIATION, centres, draw_rings, modes_covered, ring


def test_the_modes_lie_on_a_circle_of_radius_two():
    assert centres()[0].tolist() == [2.0, 0.0]
    torch.testing.assert_close(centres()[1], torch.full((2,), math.sqrt(2)))
    torch.testing.assert_close(centres().norm(dim=1), torch.full((8,), 2.0))


def test_samples_of_the_ring_itself_cover_it():
    covered, near = modes_covered(ring(4000, torch.Generator().manual_seed(0)))
    assert covered == 8
    assert near == pytest.approx(1 - math.exp(-4.5), abs=0.005)  # within three deviations, in the plane


def test_a_mode_needs_a_quarter_of_its_share_near_it():
    """Of 320 samples ten are a quarter of a share."""
    first, second = centres()[:2]
    far = first + torch.tensor([3.1 * DEVIATION, 0.0])
    samples = torch.cat([first.expand(10, 2), second.expand(9, 2), far.expand(301, 2)])
    assert modes_covered(samples) == (1, pytest.approx(19 / 320))


def test_the_picture_has_a_panel_for_each_method(tmp_path):
    row = {"seed": 0, "queries": [1, 2], "modes": [0, 8], "near": [0.0, 1.0], "samples": [[0.0, 1.0], [2.0, 0.0]]}
    figure = draw_rings([{"method": name, **row} for name in ("a", "b", "c")])
    assert [axes.get_title() for axes in figure.axes[1:]] == ["a", "b", "c"]
    figure.savefig(tmp_path / "ring.png")
    assert (tmp_path / "ring.png").read_bytes().startswith(b"\x89PNG")
