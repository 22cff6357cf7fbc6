"""The paper's tables at a size for tests: the whole path from images to rows, interrupted and gone on with."""

import pytest
from own_images import archive
from short import measured_briefly

from minimax_l2l.lab.rows import read_rows
from tasks.adversarial import AdversarialTraining
from tasks.adversarial.evaluation import robustness
from tasks.adversarial.experiments import paper_tables as benchmark
from tasks.adversarial.experiments.paper_runs import ALL, CHEAP, PARTS, RECIPE, Part, runs_of
from tasks.adversarial.experiments.paper_tables import MEASURES, Measures, paper_tables
from tasks.adversarial.presets.methods import METHODS

TINY = {"epochs": 1, "train_images": None, "batch_size": 16}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Images under the name of a public data set, and two parts of the tables that take seconds."""
    monkeypatch.chdir(tmp_path)
    measured_briefly(monkeypatch)
    archive(tmp_path / "fashion_mnist.npz")
    parts = (
        Part("fashion-mnist", ("plain", "grad-l2l"), (0, 1), TINY),
        Part("fashion-mnist", ("grad-l2l",), (0,), {**TINY, "attacker": "slim", "attacker_width": 8}),
    )
    monkeypatch.setitem(PARTS, "cpu", parts)
    monkeypatch.setitem(MEASURES, "cpu", Measures("quick", images=6, draws=3, drawn=2, standard=0, curve=2))
    monkeypatch.setattr(benchmark, "accuracy_against_steps", lambda *_: [0.5])
    return tmp_path


def table(folder):
    return paper_tables(folder / "out", announce=lambda _: None, workers=1, data=folder, scale="cpu")


def test_every_row_and_what_transfers(folder):
    file = table(folder)
    rows = read_rows(file)
    assert [(row["method"], row["attacker"], row["seed"]) for row in rows] == [
        ("plain", None, 0),
        ("grad-l2l", "light", 0),
        ("grad-l2l", "slim", 0),
        ("plain", None, 1),
        ("grad-l2l", "light", 1),
    ]
    for row in rows:
        assert {"clean", "pgm_20", "pgm_100", "cw_100", "random_3", "autoattack_quick", "worst_case"} <= row.keys()
        assert row["images"] == 6
        assert ("against_eps" in row) == (row["seed"] == 0)
    shown = {
        (row["kind"], row["made_on"], row["attack"]): row
        for row in read_rows(file.with_stem("paper-tables-transfer"))
    }
    assert set(shown) == {
        ("transfer", "plain", "fgsm"),
        ("transfer", "plain", "pgm_10"),
        ("per-query", "plain", "grad-l2l"),
    }
    assert set(shown["transfer", "plain", "fgsm"]["accuracy"]) == {"plain", "grad-l2l"}
    assert shown["per-query", "plain", "grad-l2l"]["queries"] == [1, 2, 5, 10]


def test_what_is_done_is_kept_and_what_was_interrupted_goes_on(folder, monkeypatch):
    monkeypatch.setitem(PARTS, "cpu", (Part("fashion-mnist", ("plain", "grad-l2l"), (0,), TINY),))
    usual, taken = AdversarialTraining.inner_problem, []

    def step(task, batch):
        taken.append(batch.step)
        if len(taken) == 5:
            raise KeyboardInterrupt
        return usual(task, batch)

    monkeypatch.setattr(AdversarialTraining, "inner_problem", step)
    with pytest.raises(KeyboardInterrupt):
        table(folder)
    before = read_rows(folder / "out" / "paper-tables.json")
    assert [row["method"] for row in before] == ["plain"]
    rows = read_rows(table(folder))
    assert rows[0] == before[0]
    assert len(rows) == 2
    count = len(taken)
    table(folder)
    assert len(taken) == count


def test_attacks_before_an_interruption_of_the_closer_look_are_not_made_again(folder, monkeypatch):
    monkeypatch.setitem(PARTS, "cpu", (Part("fashion-mnist", ("plain",), (0,), TINY),))
    usual, attacked = robustness.autoattack, []

    def counted(*given, **named):
        attacked.append(given)
        return usual(*given, **named)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(robustness, "autoattack", counted)
    monkeypatch.setattr(benchmark, "accuracy_against_steps", interrupted)
    with pytest.raises(KeyboardInterrupt):
        table(folder)
    assert len(attacked) == 1
    monkeypatch.setattr(benchmark, "accuracy_against_steps", lambda *_: [0.5])
    (row,) = read_rows(table(folder))
    assert "autoattack_quick" in row
    assert len(attacked) == 1


def test_all_methods_are_trained_by_one_recipe(tmp_path):
    for run in runs_of("cpu", tmp_path, tmp_path):
        assert {name: getattr(run.preset, name) for name in RECIPE} == RECIPE
        assert run.preset.epochs == 20
        assert run.preset.train_images == 10_000


def test_the_rows_that_are_promised():
    assert set(ALL) | {"fgsm-sdi", "remembered-grad-l2l"} == {
        *("plain", "fgsm", "fgsm-rs", "n-fgsm", "free-4", "pgm-2", "pgm-10", "trades-10", "remembered-fgsm"),
        *("fgsm-mep", "fgsm-sdi", "naive-l2l", "grad-l2l", "two-step-l2l", "remembered-grad-l2l"),
    }
    assert {*ALL, *CHEAP} <= METHODS.keys()


@pytest.mark.parametrize("scale", list(PARTS))
def test_no_row_is_there_twice(scale, tmp_path):
    every = [tuple(run.identity.values()) for run in runs_of(scale, tmp_path, tmp_path)]
    assert len(every) == len(set(every))


class TestRefusals:
    def test_without_images(self, tmp_path):
        with pytest.raises(
            ValueError, match="need real images; name a folder that holds cifar10 and fashion-mnist"
        ):
            paper_tables(tmp_path, announce=lambda _: None)

    def test_no_such_scale(self, tmp_path):
        with pytest.raises(ValueError, match="there is no scale 'tpu'"):
            paper_tables(tmp_path, announce=lambda _: None, data=tmp_path, scale="tpu")

    def test_images_that_are_not_there(self, tmp_path):
        with pytest.raises(ValueError, match="fashion-mnist"):
            paper_tables(
                tmp_path / "out", announce=lambda _: None, data=tmp_path, workers=1, runs=tmp_path / "runs"
            )
