"""FGSM from a learned start: both steps by hand, what phi learns from, and a phi that learns on some batches."""

import copy
from dataclasses import asdict

import pytest
import torch
from specimens import Linear, random_images
from torch import nn

from minimax_l2l import CNNUpdater, LearnedFGSM, LearnedOptimizer, LinfBall, MLPUpdater, Updater
from minimax_l2l.features import normalise
from tasks.adversarial import AdversarialTraining, SmallResNet


class Constant(Updater):
    """The same update whatever it sees."""

    def __init__(self, *numbers):
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor(numbers))
        self.seen = None

    def forward(self, features, state):
        self.seen = features
        return self.numbers.expand(len(features), -1), state


def test_both_steps_and_phis_gradient_by_hand():
    """Slopes (2, 3, 0) in a ball of 1, updates u = (1/2, -1/2, 1/2), tanh(1/2) = .46212; a sign step of 1.

    y' = (t, -t, t);  y_1 = (1, 1 - t, t): the first is clipped, the second shortened, the third has no sign.
    d <slope, y_1> / d u = slope (0, 1, 1) (1 - t^2) = (0, 3 (1 - t^2), 0).
    """
    updater = Constant(0.5, -0.5, 0.5)
    problem = Linear(torch.tensor([[2.0, 3.0, 0.0]]), constraint=LinfBall(1.0))
    y = LearnedFGSM(updater, sign_step=1.0).maximize(problem).y
    t = torch.tanh(torch.tensor(0.5)).item()
    torch.testing.assert_close(y, torch.tensor([[1.0, 1 - t, t]]))
    problem.objective(y).sum().backward()
    torch.testing.assert_close(updater.numbers.grad, torch.tensor([0.0, 3 * (1 - t**2), 0.0]))
    assert updater.seen.tolist() == [[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]]  # the iterate, and the gradient's signs
    assert tuple(asdict(problem.passes).values())[:2] == (2, 2)


def test_signs_do_not_hide_nan():
    signs = normalise(torch.tensor([[2.0, -0.1, 0.0, torch.nan]]), "sign")
    assert signs[0, :3].tolist() == [1.0, -1.0, 0.0]
    assert signs[0, 3].isnan()


def test_the_generator_has_the_published_size():
    generator = CNNUpdater.residual()
    assert sum(weight.numel() for weight in generator.parameters()) == 79_173
    kinds = [(part.in_channels, part.out_channels) for part in generator.modules() if isinstance(part, nn.Conv2d)]
    assert kinds == [(6, 64), (64, 64), (64, 64), (64, 3)]
    assert generator(torch.rand(2, 2, 3, 7, 9), ())[0].shape == (2, 3, 7, 9)


def game(**options):
    torch.manual_seed(0)
    settings = {"epochs": 4, "batch_size": 8, "query_mode": "train", **options}
    return AdversarialTraining(SmallResNet(classes=3, width=2), random_images(), LinfBall(0.1), **settings)


def attacker(**options):
    torch.manual_seed(1)
    return LearnedFGSM(CNNUpdater.residual(channels=1, width=4), sign_step=0.1, **options)


class TestLearnsEvery:
    @pytest.mark.parametrize("play", ["joint", "alternating"])
    def test_phi_moves_in_the_first_of_so_many_steps(self, play):
        steps, phi = [], attacker(learns_every=3)
        for count in (1, 2, 3, 4):
            phi = attacker(learns_every=3)
            game().solve(phi, steps=count, device="cpu", play=play)
            steps.append(copy.deepcopy(phi.state_dict()))
        first, second, third, fourth = steps
        assert not torch.equal(attacker().state_dict()["updater.body.0.weight"], first["updater.body.0.weight"])
        for name, value in first.items():
            assert torch.equal(second[name], value)
            assert torch.equal(third[name], value)
        assert not torch.equal(fourth["updater.body.0.weight"], third["updater.body.0.weight"])

    def test_passes(self):
        """Two queries and the outer pass, whether phi learns or not: its gradient comes with the outer one."""
        for steps in (1, 4):
            passes = game().solve(attacker(learns_every=3), steps=steps, device="cpu").passes
            assert tuple(asdict(passes).values()) == (3 * steps, 3 * steps, steps)

    def test_a_run_goes_on_to_the_bit_in_the_middle(self, tmp_path):
        games, attackers = [game() for _ in range(3)], [attacker(learns_every=3) for _ in range(3)]
        games[0].solve(attackers[0], device="cpu")
        games[1].solve(attackers[1], device="cpu", out=tmp_path, steps=5)
        games[2].solve(attackers[2], device="cpu", out=tmp_path, resume=True)
        for straight, rest in ((games[0].classifier, games[2].classifier), (attackers[0], attackers[2])):
            for name, value in straight.state_dict().items():
                assert torch.equal(rest.state_dict()[name], value), name

    def test_one_is_every_step(self):
        ends = []
        for options in ({}, {"learns_every": 1}, {"learns_every": 2}):
            torch.manual_seed(1)
            phi = LearnedOptimizer(CNNUpdater.light(channels=1, width=2), random_start=1.0, **options)
            game().solve(phi, steps=4, device="cpu")
            ends.append(torch.cat([weight.detach().flatten() for weight in phi.parameters()]))
        assert torch.equal(ends[0], ends[1])
        assert not torch.equal(ends[0], ends[2])


def test_saved_and_loaded(tmp_path):
    phi = attacker(learns_every=7)
    phi.save_pretrained(tmp_path)
    again = LearnedFGSM.from_pretrained(tmp_path)
    assert (again.sign_step, again.learns_every, again.features.normalise) == (0.1, 7, "sign")
    for name, value in phi.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


@pytest.mark.parametrize(("name", "value"), [("sign_step", 0.0), ("learns_every", 0), ("sign_step", -1.0)])
def test_refused(name, value):
    with pytest.raises(ValueError, match=name):
        LearnedFGSM(MLPUpdater(), **{"sign_step": 0.1, name: value})
