"""Meta-training: estimators agree, what is interrupted goes on, what is learned helps on games never met."""

import pytest
import torch

from minimax_l2l import DamagedRunError, GradientFeatures, GramUpdater, LearnedOptimizer, RNNUpdater
from tasks.games import PRACTICE, SUITE, GameFamily, PlanarGame, gram_optimizer, meta_train
from tasks.games.meta.estimators import ESTIMATORS
from tasks.games.meta.kept import FILE

SMALL = {"games": 16, "steps": 6, "progress": None}
ONE = {"dips": PRACTICE["dips"]}


def made(seed=0):
    torch.manual_seed(seed)
    return gram_optimizer()


def phi(optimizer):
    return torch.cat([one.detach().flatten() for one in optimizer.parameters()])


def recurrent():
    torch.manual_seed(0)
    updater = RNNUpdater(inputs=1, hidden=4, gain=0.1).double()
    return LearnedOptimizer(updater, features=GradientFeatures(iterate=False), second_order=True, relative=True)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_by_number_it_is_the_same_each_time(estimator):
    ends = []
    for _ in range(2):
        optimizer = made()
        done = meta_train(optimizer, PRACTICE, updates=len(PRACTICE), estimator=estimator, piece=3, **SMALL)
        assert done.updates == len(PRACTICE)
        assert [name for name, _ in done.progress] == list(PRACTICE)
        ends.append(phi(optimizer))
    assert torch.equal(*ends)
    assert not torch.equal(ends[0], phi(made()))


def test_by_the_clock_it_ends():
    done = meta_train(made(), ONE, seconds=0.5, **SMALL)
    assert done.updates >= 1
    assert done.seconds >= 0.5


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_what_was_interrupted_goes_on_bit_by_bit(estimator, tmp_path, monkeypatch):
    straight, broken = made(), made()
    settings = {"updates": 4, "estimator": estimator, "piece": 4, **SMALL}
    meta_train(straight, PRACTICE, **settings)
    sample = type(PRACTICE["dips"]).sample
    calls = []

    def fails(self, count, *, seed=0):
        calls.append(seed)
        if len(set(calls) - {0}) > 2:  # 0 is that of a look at the families
            raise KeyboardInterrupt
        return sample(self, count, seed=seed)

    with monkeypatch.context() as patch:
        patch.setattr(type(PRACTICE["dips"]), "sample", fails)
        with pytest.raises(KeyboardInterrupt):
            meta_train(broken, PRACTICE, out=tmp_path, **settings)
    again = made(seed=7)
    done = meta_train(again, PRACTICE, out=tmp_path, **settings)
    assert done.updates == 4
    assert len(done.progress) == 2
    assert torch.equal(phi(again), phi(straight))


def test_a_folder_of_another_meta_training_is_refused(tmp_path):
    meta_train(made(), ONE, updates=1, out=tmp_path, **SMALL)
    with pytest.raises(ValueError, match=r"meta-training with other settings \(seed\); pass the same again"):
        meta_train(made(), ONE, updates=1, out=tmp_path, seed=1, **SMALL)
    with pytest.raises(ValueError, match=r"other settings \(updates\); .* cannot be changed either, since its"):
        meta_train(made(), ONE, updates=2, out=tmp_path, **SMALL)
    with pytest.raises(ValueError, match=r"other settings \(families\)"):
        meta_train(made(), {"dips": PRACTICE["wells"]}, updates=1, out=tmp_path, **SMALL)


def test_a_place_that_cannot_be_written_to_is_refused_before_anything_is_played(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="file is a file and no folder; choose another out="):
        meta_train(made(), ONE, updates=1, out=tmp_path / "file", **SMALL)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_games_in_single_precision(estimator):
    """As a user's own are unless told; the updater reckons in double precision all the same."""

    def draw(count, generator):
        return PlanarGame(
            (torch.rand(count, 1, generator=generator), torch.rand(count, 1, generator=generator)),
            lambda x, y: x * y,
            [(0.0, 0.0)],
        )

    optimizer = made()
    meta_train(optimizer, {"xy": GameFamily("xy", draw, "here")}, updates=2, estimator=estimator, **SMALL)
    assert not torch.equal(phi(optimizer), phi(made()))


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_file_is_refused(damage, tmp_path):
    meta_train(made(), ONE, updates=1, out=tmp_path, **SMALL)
    file = tmp_path / FILE
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "text": b"{}"}[damage])
    with pytest.raises(DamagedRunError, match="no whole meta-training"):
        meta_train(made(), ONE, updates=1, out=tmp_path, **SMALL)


def test_evolution_strategies_point_where_backpropagation_does():
    """Where little else has noise: the four numbers that the dials start from."""
    torch.manual_seed(0)
    optimizer, gradients = gram_optimizer(updater=GramUpdater(probe=2.0)), {}
    for name, one in optimizer.named_parameters():
        one.requires_grad_(name == "updater.head.bias")
    with torch.no_grad():
        optimizer.updater.head.bias[3] = -1.0  # steps that are cut short, so that their length matters
    for estimator, deviation in (("backprop", 1.0), ("es", 0.05), ("pes", 0.05)):
        played = ESTIMATORS[estimator](optimizer, PRACTICE["dips"], games=4000, seed=1, deviation=deviation)
        optimizer.zero_grad()
        played.play(1)
        gradients[estimator] = optimizer.updater.head.bias.grad[3].item()
    for estimator in ("es", "pes"):
        assert gradients[estimator] == pytest.approx(gradients["backprop"], rel=0.1)


def test_persistent_noise_adds_up():
    played = {name: ESTIMATORS[name](made(), ONE["dips"], games=4, seed=1, deviation=0.1) for name in ("es", "pes")}
    sizes = {}
    for name, one in played.items():
        one.play(2)
        first = one.noise["updater.head.bias"].clone()
        one.play(2)
        sizes[name] = torch.equal(one.noise["updater.head.bias"], first), one.pair[0].end is one.pair[1].end
    assert sizes == {"es": (False, True), "pes": (False, False)}
    fresh = torch.stack([played["pes"].noise["updater.head.bias"], played["es"].noise["updater.head.bias"]])
    assert fresh[0].abs().sum() > fresh[1].abs().sum()


def test_a_recurrent_updater_learns_by_backpropagation():
    optimizer = recurrent()
    bilinear = {"xy": SUITE["xy"]}
    done = meta_train(optimizer, bilinear, updates=30, estimator="backprop", games=16, steps=8, progress=None)
    first, last = (sum(value for _, value in part) for part in (done.progress[:10], done.progress[-10:]))
    assert last > first


def test_evolution_needs_weights_for_each_game():
    with pytest.raises(ValueError, match='RNNUpdater does not take; pass estimator="backprop"'):
        meta_train(recurrent(), ONE, updates=1, estimator="es", progress=None)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"families": {}}, ValueError),
        ({"families": [PRACTICE["dips"]]}, TypeError),
        ({"families": {"dips": 3}}, TypeError),
        ({"seconds": 0.0}, ValueError),
        ({"updates": 0}, ValueError),
        ({"estimator": "guess"}, ValueError),
        ({"steps": 0}, ValueError),
        ({"piece": 0}, ValueError),
        ({"games": 0}, ValueError),
        ({"deviation": -1.0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"out": 3}, TypeError),
    ],
)
def test_wrong_arguments(wrong, error):
    arguments = {"families": ONE, "updates": 1, "progress": None, **wrong}
    with pytest.raises(error, match=next(iter(wrong))):
        meta_train(made(), **arguments)
    with pytest.raises(TypeError, match="optimizer"):
        meta_train("optimizer", ONE)


def test_the_bar_is_silent_where_nobody_watches(capsys):
    """The output here is no terminal."""
    meta_train(recurrent(), ONE, updates=1, estimator="backprop", games=2, steps=2, progress="practising")
    assert capsys.readouterr() == ("", "")
