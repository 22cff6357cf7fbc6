"""Every term of a page of adversarial runs is explained, and every explanation is of a term."""

import warnings

import pytest

from minimax_l2l.training.watch import Watch
from tasks.adversarial.presets.glossary import ATTACKS, EPS, STEPS, TRAININGS, WARNED, glossary
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import COLUMNS


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_explained(name):
    title = METHODS[name].title
    assert title in glossary([name], {}, []) or title.split("-")[0] in STEPS
    assert ("L2L" in glossary([name], {}, [])) == ("L2L" in title)


def test_every_column_is_explained():
    plain_words = {"clean", "worst_case"}
    explained = ATTACKS.keys() | {field for field, title in COLUMNS.items() if title.split("-")[0] in STEPS}
    assert explained | plain_words == COLUMNS.keys()


def test_nothing_is_explained_that_there_is_not():
    assert TRAININGS.keys() <= METHODS.keys()
    assert list(glossary([], {"own_attacker": "own\nattacker"}, [])) == [*EPS, *STEPS, "own attacker"]
    assert all(words.endswith(".") for words in glossary(METHODS, COLUMNS, WARNED).values())


def test_the_library_s_words_in_a_warning_are_explained():
    watch = Watch(relative=True)
    row = {"objective": 1.0, "inner_size": 0.0, "inner_violation": 1.0, "inner_gain": -1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(10):
            watch.see({**row, "inner_size": 1e9}, first_size=1.0)
        watch.see(row)
        watch.see(row, rise=1.0)
    assert len(watch.said) == 4  # nothing is said of a y that does not move where zero explains it
    explained = glossary([], {}, list(watch.said.values()))
    assert explained.keys() >= {"y", "inner_gain", "max_relative_step", "constraint.project"}
    assert glossary([], {}, []).keys() == {*EPS, *STEPS}
