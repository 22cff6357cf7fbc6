"""Where several runs are played, every warning says which run it is about."""

import warnings
from dataclasses import replace

import pytest

from minimax_l2l import GradientAscent
from minimax_l2l.lab.naming import warnings_of
from minimax_l2l.lab.runs import play


@pytest.fixture
def shown():
    """Warnings as Python shows them to somebody who has set no filter."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        yield heard


def warn() -> None:
    warnings.warn("it is late.", DeprecationWarning, stacklevel=1)


class TestWarningsOf:
    def test_names_the_run_once_for_each_run_and_nothing_else(self, shown):
        for folder in ("runs/a", "runs/b"):
            with warnings_of("climbs/steep", folder):
                warn()
                warn()
        warn()
        assert [str(one.message) for one in shown] == [
            "climbs/steep in runs/a: it is late.",
            "climbs/steep in runs/b: it is late.",
            "it is late.",
        ]
        assert {(one.category, one.filename) for one in shown} == {(DeprecationWarning, __file__)}

    def test_ends_with_a_failure(self, shown):
        with pytest.raises(KeyError), warnings_of("climbs/steep", "runs/a"):
            raise KeyError
        warn()
        assert [str(one.message) for one in shown] == ["it is late."]

    def test_two_runs_that_are_played(self, climb, tmp_path, shown, monkeypatch):
        usual, long = type(climb).build, replace(climb, steps=30)

        def overshoot(preset):
            return replace(usual(preset), optimizer=GradientAscent(steps=1, step_size=10.0))

        monkeypatch.setattr(type(climb), "build", overshoot)
        for name in ("a", "b"):
            play("climbs/steep", long, tmp_path / name, device="cpu")
        said = [str(one.message) for one in shown if "worse than its start" in str(one.message)]
        assert [words.split(": ")[:2] for words in said] == [
            [f"climbs/steep in {tmp_path / name}", "the inner optimizer makes y worse than its start"]
            for name in ("a", "b")
        ]
