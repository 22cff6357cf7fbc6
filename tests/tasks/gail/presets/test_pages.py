"""The page about runs of imitation holds what they measured, each run under a name of its own."""

import json

import pytest
from folders import reseal

from minimax_l2l import DamagedRunError
from tasks.gail.presets.methods import CONTROLS, METHODS
from tasks.gail.presets.pages import COLUMNS, sections
from tasks.gail.presets.settings import SETTINGS

ACCURACIES = ("expert_accuracy", "held_out_accuracy", "policy_accuracy")


def evaluated(folder, *, setting="cartpole", method="gail-adam", seed=0, length=20, data=None, steps=1):
    """A folder with the evaluation of a run that always did as the expert does."""
    random, expert = SETTINGS[setting].random_return, SETTINGS[setting].expert_return
    row = dict.fromkeys(COLUMNS, 1) | {
        "setting": setting,
        "method": method,
        "seed": seed,
        "data": data or SETTINGS[setting].dataset,
        "inner_steps": steps,
        "epochs": length * 5,
        "random_return": random,
        "expert_return": expert,
        "final_return": 123.45,
        "hit": None,
    }
    steps = list(range(5, 5 * length + 1, 5))
    curves = {"iterations": steps, "returns": [expert] * length}
    curves |= {name: [0.75] * length for name in ACCURACIES}
    content = {"environment": {"versions": {"torch": "2"}}, "rows": [row], "curves": curves}
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps(content))
    reseal(folder)
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are not drawn, where a test is about tables and words."""
    monkeypatch.setattr("tasks.gail.presets.pages.svg", lambda figure: "<svg></svg>")


def titles(page):
    return [section.title for section in page]


def test_one_page_an_expert_and_one_environment(tmp_path):
    first = evaluated(tmp_path / "a", setting="mountain-car")
    page = sections([first, evaluated(tmp_path / "b")])
    assert titles(page) == [
        *(f"CartPole: {what}" for what in ("what was learned", "return against iteration", "stability")),
        "CartPole: what the discriminator knows",
        *(f"Mountain Car: {what}" for what in ("what was learned", "return against iteration", "stability")),
        "Mountain Car: what the discriminator knows",
        "Environment",
    ]
    assert page[-1].table == (("what", "value"), [["versions torch", "2"]])
    assert [section.figure is None for section in page] == [True, False, False, False] * 2 + [True]


@pytest.mark.usefixtures("undrawn")
def test_the_table_says_what_was_measured(tmp_path):
    head, (cells,) = sections([evaluated(tmp_path / "a")])[0].table
    assert len(head) == len(cells)
    named = {title.replace("\n", " "): cell for title, cell in zip(head, cells, strict=True)}
    assert (named["method"], named["return"], named["hit"]) == ("GAIL, Adam", "123.5", "-")
    assert (named["score"], named["longest outage"]) == ("1.00", "1")


def test_rows_come_in_the_methods_order_and_controls_are_called_controls(tmp_path):
    folders = [evaluated(tmp_path / method, method=method) for method in reversed(METHODS)]
    section = sections(folders)[0]
    names = [cells[0] for cells in section.table[1]]
    assert len(names) == len(set(names)) == len(METHODS)
    assert names == [
        f"control: {method.title}" if name in CONTROLS else method.title for name, method in METHODS.items()
    ]
    assert "Only what no control reaches" in section.text


@pytest.mark.usefixtures("undrawn")
def test_controls_that_are_missing_are_named(tmp_path):
    folders = [evaluated(tmp_path / method, method=method) for method in ("gail-adam", "noise")]
    assert "The controls frozen-d, constant, bad-demos are missing here" in sections(folders)[0].text


@pytest.mark.usefixtures("undrawn")
def test_seeds_and_folders_tell_runs_of_one_method_apart(tmp_path):
    folders = [evaluated(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 1), ("c", 1))]
    names = [cells[0] for cells in sections(folders)[0].table[1]]
    assert names == ["GAIL, Adam, seed 0", "GAIL, Adam, seed 1, b", "GAIL, Adam, seed 1, c"]


@pytest.mark.usefixtures("undrawn")
def test_several_seeds_have_interquartile_means_with_intervals(tmp_path):
    folders = [evaluated(tmp_path / str(seed), seed=seed) for seed in range(4)]
    for folder, score in zip(folders, (0.0, 0.4, 0.6, 1.0), strict=True):
        content = json.loads((folder / "evaluation.json").read_text())
        content["rows"][0]["final_score"] = score
        content["curves"]["returns"] = [500.0 * (score > 0)] * 20
        (folder / "evaluation.json").write_text(json.dumps(content))
        reseal(folder)
    lone = evaluated(tmp_path / "lone", method="noise")
    longer = evaluated(tmp_path / "longer", seed=4, length=30)
    section = sections([*folders, lone, longer])[1]
    assert section.title == "CartPole: over the seeds"
    ((name, runs, final, area, window, outages),) = section.table[1]
    assert (name, runs, outages) == ("GAIL, Adam, 100 iterations", "4", "1")
    assert (final[:4], area[:4], window[:4]) == ("0.50", "1.00", "1.00")
    low, high = map(float, final[6:-1].split(" to "))
    assert 0 <= low < 0.5 < high <= 1


@pytest.mark.usefixtures("undrawn")
def test_other_demonstrations_and_other_steps_are_not_mixed_with_these(tmp_path):
    folders = [evaluated(tmp_path / "a"), evaluated(tmp_path / "b", data="mine/cartpole-v0", seed=1)]
    page = sections([*folders, evaluated(tmp_path / "c", steps=5, seed=1), evaluated(tmp_path / "d")])
    named = titles(page)
    assert "CartPole, taught by mine/cartpole-v0: what was learned" in named
    assert not any("over the seeds" in title for title in named)  # the same seed twice is one
    assert [cells[0] for cells in page[0].table[1]] == [
        "GAIL, Adam, seed 0, a",
        "GAIL, Adam, seed 0, d",
        "GAIL, Adam, 5 steps",
    ]


def test_runs_of_different_lengths_have_panels_of_their_own(tmp_path):
    folders = [evaluated(tmp_path / str(length), length=length) for length in (10, 20)]
    figure = sections(folders)[1].figure
    # Text is drawn as glyphs, whose letters are kept in comments.
    assert "<!-- CartPole, 50 iterations -->" in figure
    assert "<!-- CartPole, 100 iterations -->" in figure
    assert "<!-- CartPole -->" in sections(folders[:1])[1].figure


@pytest.mark.parametrize("missing", ["setting", "final_return", "random_return"])
def test_a_row_that_lacks_something_is_refused(missing, tmp_path):
    folder = evaluated(tmp_path / "a")
    content = json.loads((folder / "evaluation.json").read_text())
    del content["rows"][0][missing]
    (folder / "evaluation.json").write_text(json.dumps(content))
    (folder / "config.json").write_text("{}")
    reseal(folder)
    with pytest.raises(DamagedRunError, match="lacks what a report needs; run `minimax-l2l evaluate"):
        sections([folder])


@pytest.mark.parametrize(("field", "value"), [("setting", "pong"), ("method", "pong")])
def test_a_row_of_something_unknown_is_refused(field, value, tmp_path):
    changed = evaluated(tmp_path / "a")
    content = json.loads((changed / "evaluation.json").read_text())
    content["rows"][0][field] = value
    (changed / "evaluation.json").write_text(json.dumps(content))
    reseal(changed)
    with pytest.raises(ValueError, match=f"there is no {field} 'pong'"):
        sections([changed])
