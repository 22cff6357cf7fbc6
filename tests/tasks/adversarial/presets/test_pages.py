"""The page about adversarial runs says what was measured, and tells runs apart."""

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from folders import reseal
from matplotlib.colors import to_hex
from pages import assert_self_contained
from short import measured_briefly, undrawn

from minimax_l2l.lab.report import write_report
from minimax_l2l.lab.runs import play
from minimax_l2l.training.watch import Watch
from tasks.adversarial.data.digits import digits
from tasks.adversarial.experiments.trained import Trained, attack
from tasks.adversarial.presets.digits import DIGITS
from tasks.adversarial.presets.figures import (
    Line,
    accuracy_curves,
    magnified_perturbations,
    perturbation_grid,
    robustness_against_cost,
    training_curves,
)
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import brief, sections, table


@pytest.fixture(scope="module", autouse=True)
def short():
    with pytest.MonkeyPatch.context() as patch:
        measured_briefly(patch)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one epoch on images of one's own, measured on a few of them."""
    home = tmp_path_factory.mktemp("runs")
    random = np.random.default_rng(0)
    arrays = {
        f"{kind}_{part}": values
        for part, count in (("train", 60), ("test", 8))
        for kind, values in (("x", random.random((count, 8, 8))), ("y", np.arange(count) % 4))
    }
    np.savez(home / "mine.npz", **arrays)
    for method in ("plain", "grad-l2l"):
        name = f"adversarial/digits-{method}"
        preset = replace(DIGITS[name], data=home / "mine.npz", eps=0.15, epochs=1)
        play(name, preset, home / method, device="cpu")
        attack(Trained(name, preset, home / method), tier="quick")
    return [home / "plain", home / "grad-l2l"], home / "mine.npz"


@pytest.fixture(scope="module")
def page(runs):
    folders, data = runs
    return sections(folders, data=data)


@pytest.fixture
def without_pictures(monkeypatch):
    """Nothing is drawn, where a test is about tables and words."""
    undrawn(monkeypatch)
    monkeypatch.setattr("tasks.adversarial.presets.pages.perturbations", lambda *_: [])


class TestAdversarialPage:
    def test_is_self_contained(self, runs, page, tmp_path):
        write_report(tmp_path / "page.html", page, title="Runs")
        text = (tmp_path / "page.html").read_text()
        assert_self_contained(text)
        assert text.count("<svg") == 8
        assert str(runs[0][0].parent) not in text

    def test_says_what_was_measured(self, page):
        assert [part.title for part in page] == [
            "Result",
            "Robustness",
            "Terms",
            "Robustness against cost",
            "Accuracy against eps",
            "Accuracy against attack steps",
            "Perturbations",
            "Perturbations magnified",
            "Training",
            "Environment",
        ]
        assert "8 test images of mine" in page[1].text
        assert "at most 0.15 per pixel" in page[1].text

    def test_states_its_result_first_with_intervals_and_one_seed(self, page):
        assert "share of 8 test images" in page[0].text
        assert "best learned attacker, Grad L2L" in page[0].text
        assert "Trained with no attacker, it is " in page[0].text
        assert "hand-designed" not in page[0].text
        assert "one seed" in page[0].text
        titles, cells = page[0].table
        assert titles == ["method", "per cent\nrobust", "95 %\ninterval"]
        assert [row[0] for row in cells] == ["Plain", "Grad L2L"]
        assert all(
            float(low) <= float(row[1]) <= float(high) for row in cells for low, high in [row[2].split(" to ")]
        )

    @pytest.mark.usefixtures("without_pictures")
    def test_says_how_far_the_worst_learned_attacker_is_behind_the_best(self, runs, tmp_path):
        folders, data = runs
        for name, share in (("strong", 0.75), ("weak", 0.125)):
            copied(
                folders[1],
                tmp_path / name,
                "evaluation.json",
                lambda content, share=share: content["rows"][0].update(autoattack_quick=share),
            )
        page = sections([folders[0], tmp_path / "strong", tmp_path / "weak"], data=data)
        assert (
            "the best learned attacker, Grad L2L, seed 0, strong, it is 75.0 %; "
            "with the worst, Grad L2L, seed 0, weak, it is 12.5 %."
        ) in page[0].text

    def test_speaks_of_intervals_only_below_the_table_that_has_them(self, page):
        robustness = page[1]
        assert "interval" not in robustness.text  # the terminal's words, under a table without them
        assert robustness.notes[0] == "Below each figure is its 95 % interval."
        assert " to " in robustness.table[1][0][1]
        assert " to " not in "".join(robustness.brief[1][0])

    @pytest.mark.usefixtures("without_pictures")
    def test_repeats_what_was_warned_of_in_training_and_of_whom(self, runs, page, tmp_path):
        folders, data = runs
        assert len(page[1].notes) == 1
        bad = tmp_path / "bad"
        shutil.copytree(folders[1], bad)
        told = json.loads((bad / "solution.json").read_text())
        assert told["warned"] == []
        watch = Watch()
        with pytest.warns(UserWarning, match="worse than its start"):
            watch.end([{"objective": 1.0, "inner_gain": -0.5}] * 9)
        (bad / "solution.json").write_text(json.dumps({**told, "warned": list(watch.said.values())}))
        reseal(bad)
        changed = sections([folders[0], bad], data=data)
        (note,) = changed[1].notes[1:]
        assert note.startswith("A warning from the training of Grad L2L: the inner optimizer makes y worse")
        assert "inner_gain is -0.5 on average over all 9 logged steps" in note
        assert list(changed[2].terms)[-3:] == ["y", "inner_gain", "max_relative_step"]

    def test_explains_its_words_and_no_others(self, page):
        terms = page[2].terms
        assert list(terms) == [
            "eps",
            "FGSM",
            "PGM",
            "CW-100",
            "APGD-CE + APGD-T",
            "own attacker",
            "L2L",
            "Plain",
            "Grad L2L",
        ]
        assert terms.keys() >= {row[0] for row in page[1].table[1]}

    def test_the_picture_of_cost_leaves_no_run_out(self):
        rows = {LINE: ROW, Line("Plain", "plain"): {**ROW, "autoattack": 0.001}}
        drawn = robustness_against_cost(rows, dict.fromkeys(rows, (0.0, 1.0)), "autoattack")
        assert drawn.count("<svg") == 2
        assert drawn.count("<!-- Plain -->") == drawn.count("<!-- 2-Step L2L -->") == 2

    def test_runs_of_the_same_cost_and_accuracy_are_rings_around_each_other(self):
        rows = {Line(METHODS[name].title, name): ROW for name in ("fgsm", "pgm-2", "grad-l2l")}
        drawn = robustness_against_cost(rows, dict.fromkeys(rows, (0.0, 1.0)), "autoattack")
        for line in rows:
            colour = to_hex(line.style()["color"])
            assert f"stroke: {colour}" in drawn
            assert f"fill: {colour}" not in drawn

    def test_attacked_images_stand_under_their_predictions(self):
        images = torch.full((2, 1, 4, 4), 0.5)
        drawn = perturbation_grid(images, torch.tensor([3, 4]), {"FGSM": (images + 0.1, torch.tensor([3, 7]))}, 0.1)
        assert drawn.count("<image") == 3 * 2
        assert [drawn.count(f"<!-- {digit} -->") for digit in (3, 4, 7)] == [2, 1, 1]

    def test_magnified_changes_stand_beside_their_roughness(self):
        image = torch.full((1, 4, 4), 0.5)
        signs = 1 - 2 * ((torch.arange(4)[:, None] + torch.arange(4)) % 2)
        attacks = {"even": image + 0.1, "chequered": image + 0.1 * signs}
        drawn = magnified_perturbations(image, attacks, 0.1)
        assert drawn.count("<image") == 2 * 3
        assert [drawn.count(f"<!-- roughness {value} -->") for value in ("0.00", "2.00")] == [1, 1]

    def test_curves_and_how_far_they_are_above_a_reference(self):
        x = [1, 10]
        curves = {
            LINE: {"steps": {"x": x, "accuracy": [0.9, 0.75]}},
            Line("PGM-10", "pgm-10"): {"steps": {"x": x, "accuracy": [0.8, 0.5]}},
        }
        alone = accuracy_curves(curves, "steps", "steps", log=True)
        beside = accuracy_curves(curves, "steps", "steps", log=True, reference=Line("PGM-10", "pgm-10"))
        assert (alone.count("<svg"), beside.count("<svg")) == (1, 2)
        assert beside.count("<!-- accuracy minus that of PGM-10, points -->") == 1
        assert beside.count("<!-- 2-Step L2L -->") == 2

    def test_curves_that_coincide_are_all_seen(self):
        lines = [Line(METHODS[name].title, name) for name in METHODS]
        drawn = accuracy_curves({line: {"eps": {"x": [0, 1], "accuracy": [1, 0]}} for line in lines}, "eps", "eps")
        curves, _ = drawn.split('id="legend_1"')
        found = re.findall(
            r'clip-path="[^"]*" style="fill: none;[^"]*stroke: (#\w+); stroke-width: ([\d.]+)', curves
        )
        assert sorted(colour for colour, _ in found) == sorted(to_hex(line.style()["color"]) for line in lines)
        widths = [float(width) for _, width in found]  # in the order in which they are painted
        assert all(below > above + 0.1 for below, above in pairwise(widths))

    def test_the_training_names_no_run_that_it_does_not_draw(self):
        measured = {"step": 5, "validation_pgm_10": 0.5, "attack_ratio": 0.9}
        drawn = training_curves({LINE: [measured], Line("Plain", "plain"): [{"step": 5}]})
        assert [drawn.count(f"<!-- {title} -->") for title in ("2-Step L2L", "Plain")] == [2, 0]
        panel, _ = drawn.split('id="legend_1"', 1)
        assert to_hex(LINE.style()["color"]) in panel  # one validation alone is a dot

    def test_a_training_without_an_attacker_has_no_attacker_s_curve(self):
        measured = {"step": 5, "validation_pgm_10": 0.5, "attack_ratio": 0.0}
        drawn = training_curves({LINE: [measured], Line("Plain", "plain"): [measured]})
        assert [drawn.count(f"<!-- {title} -->") for title in ("2-Step L2L", "Plain")] == [2, 1]

    @pytest.mark.usefixtures("without_pictures")
    def test_hand_designed_runs_show_no_perturbations(self, runs):
        folders, data = runs
        assert "Perturbations" not in [part.title for part in sections(folders[:1], data=data)]

    @pytest.mark.usefixtures("without_pictures")
    def test_tells_two_seeds_of_a_method_apart_and_two_runs_of_a_seed(self, runs, tmp_path):
        folders, data = runs
        for name, seed in (("a", 0), ("b", 0), ("c", 5)):
            shutil.copytree(folders[0], tmp_path / name)
            config = json.loads((tmp_path / name / "config.json").read_text())
            config["settings"]["seed"] = seed
            (tmp_path / name / "config.json").write_text(json.dumps(config))
            reseal(tmp_path / name)
        page = sections([tmp_path / name for name in "abc"], data=data)
        _, cells = page[1].table
        title = METHODS[config["method"]].title
        assert [row[0] for row in cells] == [f"{title}, seed 0, a", f"{title}, seed 0, b", f"{title}, seed 5"]


def copied(folder, to, file, change):
    """A run's folder with another of its JSON files, as if the run had written it so."""
    shutil.copytree(folder, to)
    content = json.loads((to / file).read_text())
    change(content)
    (to / file).write_text(json.dumps(content))
    reseal(to)
    return to


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A run on other images, in an archive of another name."""
    home = tmp_path_factory.mktemp("other")
    random = np.random.default_rng(1)
    arrays = {f"x_{part}": random.random((count, 8, 8)) for part, count in (("train", 60), ("test", 8))}
    np.savez(home / "two.npz", y_train=np.arange(60) % 4, y_test=np.arange(8) % 4, **arrays)
    name = "adversarial/digits-plain"
    preset = replace(DIGITS[name], data=home / "two.npz", eps=0.15, epochs=1)
    play(name, preset, home / "two", device="cpu")
    attack(Trained(name, preset, home / "two"), tier="quick")
    return home


class TestRunsThatAPageCannotCompare:
    """A page states one data set, one radius and one number of images for all its runs."""

    @pytest.mark.parametrize("place", [0, 1], ids=["plain", "learned"])
    @pytest.mark.parametrize("turned", [False, True])
    def test_other_data(self, place, turned, runs, elsewhere):
        folders = [runs[0][place], elsewhere / "two"]
        own, its = ("two", "mine") if turned else ("mine", "two")
        with pytest.raises(ValueError, match=f"trained on '{own}' and .* on other data, '{its}'; write one report"):
            sections(folders[::-1] if turned else folders, data=runs[1])

    def test_other_data_of_the_same_name(self, runs, tmp_path):
        folders, data = runs
        again = copied(folders[0], tmp_path / "again", "config.json", lambda config: config.update(data_sha256="0"))
        with pytest.raises(ValueError, match=r"on other data, 'mine' \(their checksums differ\); write one report"):
            sections([folders[0], again], data=data)

    def test_the_digits_and_images_of_ones_own(self, runs, tmp_path):
        def on_digits(config):
            config.update(data="digits", data_sha256=digits().sha256)
            config["settings"]["data"] = None

        folders, data = runs
        embedded = copied(folders[0], tmp_path / "embedded", "config.json", on_digits)
        for order in ([embedded, folders[1]], [folders[1], embedded]):
            with pytest.raises(ValueError, match=r"'digits'.*; write one report for each data set"):
                sections(order, data=data)
        with pytest.raises(ValueError, match=r"'digits'.*; write one report for each data set"):
            sections([embedded, *folders])

    @pytest.mark.parametrize(
        ("field", "value", "said"), [("eps", 0.1, "eps=0.15 and .* eps=0.1,"), ("images", 6, "8 test .* 6 test")]
    )
    def test_other_measurements(self, field, value, said, runs, tmp_path):
        folders, data = runs
        change = copied(
            folders[0],
            tmp_path / "again",
            "evaluation.json",
            lambda content: content["rows"][0].update({field: value}),
        )
        with pytest.raises(ValueError, match=f"measured .*{said}.* write one report for each"):
            sections([*folders, change], data=data)

    @pytest.mark.usefixtures("without_pictures")
    def test_a_radius_is_printed_with_four_digits(self, runs, tmp_path):
        folders, data = runs
        change = copied(
            folders[0],
            tmp_path / "again",
            "evaluation.json",
            lambda content: content["rows"][0].update(eps=8 / 255),
        )
        (said,) = [part.text for part in sections([change], data=data) if part.title == "Robustness"]
        assert "at most 0.03137 per pixel" in said

    @pytest.mark.usefixtures("without_pictures")
    def test_other_data_than_the_runs_were_trained_on(self, runs, elsewhere):
        for folders in (runs[0][:1], runs[0][1:], runs[0]):
            with pytest.raises(ValueError, match="trained on other data than 'two' as it is now"):
                sections(folders, data=elsewhere / "two.npz")
        assert sections([elsewhere / "two"], data=elsewhere / "two.npz")


ROW = {
    "images": 360,
    "clean": 0.98765,
    "pgm_20": 0.5,
    "autoattack": 0.1,
    "train_seconds": 12.34,
    "forward_passes": 60,
    "input_gradient_passes": 40,
    "weight_gradient_passes": 20,
}
LINE = Line("2-Step L2L", "two-step-l2l")


class TestTable:
    def test_by_hand(self):
        titles, cells = table({LINE: ROW})
        assert titles == ["method", "clean", "PGM-20", "AutoAttack", "seconds", "passes\nper batch"]
        accuracies = ["98.8\n97.2 to 99.6", "50.0\n44.9 to 55.1", "10.0\n7.3 to 13.5"]
        assert cells == [["2-Step L2L", *accuracies, "12.3", "3/2/1"]]

    def test_a_missing_measurement_is_a_dash(self):
        other = {**ROW}
        del other["autoattack"]
        _, cells = table({LINE: ROW, Line("Plain", "plain"): other})
        assert [row[3] for row in cells] == ["10.0\n7.3 to 13.5", "-"]

    def test_a_terminal_is_shown_fewer_attacks(self):
        titles, cells = brief({LINE: {**ROW, "pgm_100": 0.4}})
        assert "PGM-100" not in titles
        assert cells[0][-1] == "3/2/1"
