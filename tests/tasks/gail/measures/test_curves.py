"""Pictures hold what they were given."""

import sys

import numpy as np
import pytest
from matplotlib.colors import same_color

from minimax_l2l import MissingExtraError
from tasks.gail.measures.curves import Panel, discriminator_curves, return_curves, stability_dots
from tasks.gail.measures.stability import stability

STEPS = [5, 10, 15]
SEEDS = [[0.0, 2.0, 4.0], [2.0, 4.0, 6.0], [4.0, 6.0, 14.0]]


def panel(title="CartPole-v1", **returns):
    return Panel(title, STEPS, returns or {"gail-adam": SEEDS}, expert=10.0, random=1.0)


def band(axes):
    """Lowest and highest height of the band at the last iteration."""
    vertices = axes.collections[0].get_paths()[0].vertices
    heights = vertices[vertices[:, 0] == STEPS[-1], 1]
    return heights.min(), heights.max()


def run(curve):
    return stability(range(1, len(curve) + 1), curve, random=0, expert=1, window=2)


RUNS = {
    "steady": [run([1.0, 1, 1, 1])] * 3,
    "shaky": [run([1.0, 1, 0, 1]), run([1.0, 1, 0, 0]), run([0.0, 0, 0, 0])],
}


class TestReturnCurves:
    def test_the_line_is_the_mean_over_seeds(self):
        line = return_curves([panel()]).axes[0].lines[0]
        assert list(line.get_xdata()) == STEPS
        assert list(line.get_ydata()) == [2.0, 4.0, 8.0]  # the columns' means

    def test_the_band_is_what_the_legend_says(self):
        # The last column is 4, 6, 14: quartiles 5 and 10.
        whole, half = (return_curves([panel()], band=kind) for kind in ("range", "quartiles"))
        assert band(whole.axes[0]) == (4, 14)
        assert "lowest to highest" in whole.legends[0].get_title().get_text()
        assert band(half.axes[0]) == (5, 10)
        assert "middle half" in half.legends[0].get_title().get_text()

    def test_the_line_of_the_middle_half_is_its_mean_and_stays_in_it(self):
        falls = [[4.0, 4, -100], [5.0, 5, 5], [6.0, 6, 6], [7.0, 7, 7], [8.0, 8, 8]]
        axes = return_curves([panel(a=falls)], band="quartiles").axes[0]
        assert list(axes.lines[0].get_ydata()) == [6.0, 6.0, 6.0]
        assert band(axes) == (5, 7)

    def test_a_method_keeps_its_colour_in_several_pictures(self):
        alone = return_curves([panel(b=SEEDS)], order=["a", "b"]).axes[0].lines[0]
        second = return_curves([panel(a=SEEDS, b=SEEDS)]).axes[0].lines[1]
        first = return_curves([panel(b=SEEDS)]).axes[0].lines[0]
        assert same_color(alone.get_color(), second.get_color())
        assert not same_color(first.get_color(), second.get_color())

    def test_expert_and_random_are_dashed_and_named(self):
        axes = return_curves([panel()]).axes[0]
        dashed = {line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"}
        assert dashed == {10.0, 1.0}
        assert {text.get_text() for text in axes.texts} == {"expert", "random"}

    def test_one_panel_an_environment_and_one_colour_a_method(self):
        first = panel("CartPole-v1", **{"a": SEEDS, "b": SEEDS})
        figure = return_curves([first, panel("MountainCar-v0", **{"b": SEEDS, "c": SEEDS})])
        left, right = figure.axes
        assert [axes.get_title() for axes in figure.axes] == ["CartPole-v1", "MountainCar-v0"]
        colours = [{line.get_label(): line.get_color() for line in axes.lines} for axes in (left, right)]
        assert colours[0]["b"] == colours[1]["b"]
        assert len({colours[0]["a"], colours[0]["b"], colours[1]["c"]}) == 3
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", "c"]

    def test_a_dozen_methods_can_be_told_apart(self):
        axes = return_curves([panel(**{f"m{i}": SEEDS for i in range(12)})]).axes[0]
        looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines[:12]}
        assert len(looks) == 12

    def test_a_single_evaluation_is_drawn(self, tmp_path):
        one = Panel("CartPole-v1", [5], {"gail-adam": [[1.0], [2.0]]}, expert=10.0, random=1.0)
        return_curves([one]).savefig(tmp_path / "one.png")
        assert (tmp_path / "one.png").stat().st_size > 1000

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"must have shape \(seeds, 3\), got \(3,\)"):
            panel(bad=[1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match="at least one panel"):
            return_curves([])
        with pytest.raises(ValueError, match="there is no band 'rang'; did you mean 'range'"):
            return_curves([panel()], band="rang")


def dots(figure, panel, method):
    return figure.axes[panel].collections[method]


class TestStabilityDots:
    def test_a_dot_for_each_seed_and_a_bar_at_the_interquartile_mean(self):
        figure = stability_dots(RUNS)
        # Worst windows of two: .5, 0, and 0 for no hit. Outages: 1, 2, and all 4 iterations. Three seeds lose none.
        assert dots(figure, 0, 1).get_offsets()[:, 0].tolist() == [0.5, 0.0, 0.0]
        assert dots(figure, 1, 1).get_offsets()[:, 0].tolist() == [1, 2, 4]
        assert figure.axes[1].lines[1].get_xdata() == pytest.approx([7 / 3, 7 / 3])

    def test_equal_seeds_do_not_hide_each_other(self):
        heights = dots(stability_dots(RUNS), 0, 0).get_offsets()[:, 1]
        assert len(np.unique(heights)) == 3

    def test_a_seed_without_a_hit_is_hollow(self):
        faces = dots(stability_dots(RUNS), 0, 1).get_facecolors()
        assert [same_color(face, "white") for face in faces] == [False, False, True]

    def test_methods_from_top_to_bottom(self):
        axes = stability_dots(RUNS).axes[0]
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["steady", "shaky"]
        assert axes.yaxis_inverted()

    def test_refusals(self):
        with pytest.raises(ValueError, match="at least one run of every method"):
            stability_dots({"steady": []})


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"minimax-l2l\[report\]"):
        return_curves([panel()])


class TestDiscriminatorCurves:
    SEED = {  # noqa: RUF012
        "iterations": STEPS,
        "expert_accuracy": [0.5, 0.75, 1.0],
        "held_out_accuracy": [0.5, 0.5, 0.5],
        "policy_accuracy": [0.25, 0.0, 1.0],
    }

    def test_one_panel_a_kind_of_pairs_and_one_line_a_seed(self):
        figure = discriminator_curves({"a": [self.SEED, self.SEED], "b": [self.SEED]})
        assert [axes.get_title() for axes in figure.axes] == [
            "the expert, learned from",
            "the expert, held out",
            "the policy",
        ]
        for axes, field in zip(figure.axes, ("expert", "held_out", "policy"), strict=True):
            lines = [line for line in axes.lines if len(line.get_xdata()) == len(STEPS)]
            assert len(lines) == 3
            assert all(list(line.get_ydata()) == self.SEED[f"{field}_accuracy"] for line in lines)
            assert same_color(lines[0].get_color(), lines[1].get_color())
            assert not same_color(lines[0].get_color(), lines[2].get_color())

    def test_a_method_is_named_once(self):
        figure = discriminator_curves({"a": [self.SEED, self.SEED], "b": [self.SEED]})
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]

    def test_nothing_to_draw(self):
        with pytest.raises(ValueError, match="needs at least one run"):
            discriminator_curves({})
