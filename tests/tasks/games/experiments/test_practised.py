"""Practice for the benchmark: what is trained, by what, and what its row says."""

import pytest

from tasks.games.experiments.practised import PracticeJob, play, practise


def test_a_row_tells_how_long_it_took():
    row = play(PracticeJob(seed=3, episodes=1))
    assert row["seconds"] >= 0
    assert row["weights"] < 20_000


@pytest.mark.parametrize("name", ["rnn", "twin", "mlp"])
def test_each_rival_learns_from_an_episode(name):
    before, after = (practise(name, 0, episodes)[0] for episodes in (1, 2))
    moved = [(one - other).abs().max() for one, other in zip(before.parameters(), after.parameters(), strict=True)]
    assert max(moved) > 0
