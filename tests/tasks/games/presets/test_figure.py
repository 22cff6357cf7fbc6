"""Pictures of play show the paths, the points that are sought and those that are not."""

import pytest
import torch

from minimax_l2l import GradientAscent
from minimax_l2l.lab import blank_figure
from tasks.games import SUITE, orbit
from tasks.games.presets.figure import COLOURS, draw_orbits, draw_play, styles


def labelled(axes):
    """What is drawn by label: where, as pairs."""
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.get_lines()}


def drawn(family, path=None, seed=0):
    game = SUITE[family].sample(2, seed=seed)
    start = torch.cat(game.start, dim=1)[:1]
    axes = blank_figure(4, 4).subplots()
    paths = {"mine": start if path is None else torch.cat([start, start.new_tensor(path)])}
    draw_play(axes, game, paths, styles(paths))
    return game, axes


def test_every_line_has_a_look_of_its_own():
    looks = styles(map(str, range(2 * len(COLOURS)))).values()
    assert len({(look["color"], look["linestyle"]) for look in looks}) == 2 * len(COLOURS)


def test_an_orbit_of_f_xy():
    path = orbit(GradientAscent(steps=1, step_size=0.1), steps=20)
    axes = draw_orbits({"simultaneous": path}).axes[0]
    lines = labelled(axes)
    assert lines["simultaneous"] == [tuple(point) for point in path.tolist()]
    assert (lines["start"], lines["solution"]) == ([(1.0, 0.0)], [(0.0, 0.0)])


def test_solutions_and_wrong_points_have_marks_of_their_own():
    _, axes = drawn("func4-wide", [(0.0, 0.0)], seed=1)
    lines = labelled(axes)
    assert (0.0, 0.0) in lines["wrong point"]
    assert not set(lines["wrong point"]) & set(lines.get("solution", []))
    assert "solution" not in labelled(drawn("ridge-2")[1])


def test_of_many_solutions_that_one_is_shown_where_somebody_ended():
    """The seesaw knows the solution nearest to its start and its neighbours; play may end at another."""
    game = SUITE["seesaw-7"].sample(2)
    far = 7 / game.a[0].item()
    assert abs(far - game.stationary()[0, :, 0]).min() > 0.1
    path = [(step * far / 4, 0.0) for step in range(5)]
    game.start = game.start[0] * 0 + 0.1, game.start[1] * 0
    paths = {"mine": torch.tensor([[0.1, 0.0], *path], dtype=torch.float64)}
    draw_play(axes := blank_figure(4, 4).subplots(), game, paths, styles(paths), window=((1.0, 0.0), 2.5))
    assert (pytest.approx(far), 0.0) in labelled(axes)["solution"]


def test_what_is_far_away_does_not_move_the_window():
    near, far = (drawn("xy", path)[1] for path in ([(0.1, 0.1)], [(0.1, 0.1), (1e5, 0.0), (float("nan"), 0.0)]))
    assert near.get_xlim() == pytest.approx(far.get_xlim())
    assert labelled(far)["mine"][-1] == (1e5, 0.0)


def test_a_path_at_rest_ends_there():
    _, axes = drawn("xy", [(0.0, 0.0)] * 50)
    assert len(labelled(axes)["mine"]) == 2
