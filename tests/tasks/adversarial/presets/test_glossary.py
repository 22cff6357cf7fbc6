"""Every term of a page of adversarial runs is explained, and every explanation is of a term."""

import pytest

from tasks.adversarial.presets.glossary import ATTACKS, STEPS, TRAININGS, glossary
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import COLUMNS


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_explained(name):
    title = METHODS[name].title
    assert title in glossary([name], {}) or title.split("-")[0] in STEPS
    assert ("L2L" in glossary([name], {})) == ("L2L" in title)


def test_every_column_is_explained():
    plain_words = {"clean", "worst_case"}
    explained = ATTACKS.keys() | {field for field, title in COLUMNS.items() if title.split("-")[0] in STEPS}
    assert explained | plain_words == COLUMNS.keys()


def test_nothing_is_explained_that_there_is_not():
    assert TRAININGS.keys() <= METHODS.keys()
    assert list(glossary([], {"own_attacker": "own\nattacker"})) == [*STEPS, "own attacker"]
    assert all(words.endswith(".") for words in glossary(METHODS, COLUMNS).values())
