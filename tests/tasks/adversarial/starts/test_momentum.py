"""FGSM-MEP: a start that follows a momentum, moved by the one gradient that FGSM asks for."""

from dataclasses import asdict

import pytest
import torch
from torch import nn

from minimax_l2l import FGSM, PGM, CNNUpdater, GradientAscent, Iterate, L2Ball, LearnedOptimizer, LinfBall
from tasks.adversarial import (
    AdversarialTraining,
    CropAndFlip,
    LogitPairing,
    MomentumMemory,
    PerturbationProblem,
    SmallResNet,
)
from tasks.adversarial.data.augmentation import Placement

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


class Slope(nn.Module):
    """Logits (<w, x>, 0): the gradient of cross-entropy for label 1 goes along w."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, images):
        first = images.flatten(1) @ self.weight
        return torch.stack([first, torch.zeros_like(first)], dim=1)


def problem(start, weight, threat=None, *, pixels=(0.5, 0.5, 0.5), index=1, step=0, placement=None):
    images = torch.tensor(pixels).view(1, 1, 1, 3)
    return PerturbationProblem(
        Slope(weight),
        images if placement is None else placement.apply(images),
        torch.tensor([1]),
        threat or LinfBall(EPS),
        indices=torch.tensor([index]),
        start=start,
        step=step,
        placement=placement,
    )


def attack(one: PerturbationProblem, step_size: float = EPS) -> torch.Tensor:
    """What FGSM trains on; the start is told."""
    end = FGSM(step_size=step_size).maximize(one)
    one.remember(end.detach(), None)
    return end.y.flatten()


def known(eta, **options) -> MomentumMemory:
    """One that has met image 1 and remembers eta."""
    memory = MomentumMemory(3, (1, 1, 3), EPS, **options)
    memory.store(torch.tensor([1]), torch.tensor(eta).view(1, 1, 1, 3))
    return memory


class TestByHand:
    def test_three_attacks(self):
        """Gradients along (1, -1, 4), then (-1, 0, 2), then (0, 3, 0); g / mean|g| is (.5, -.5, 2), (-1, 0, 2), ...

        m = (.5, -.5, 2)                                   eta + .05 sign(m) = (.05, -.05, .05)
        m = .3 (.5, -.5, 2) + (-1, 0, 2) = (-.85, -.15, 2.6)       eta = (0, -.1, .1)
        m = .3 (-.85, -.15, 2.6) + (0, 3, 0) = (-.255, 2.955, .78) eta = (-.05, -.05, .1), clipped
        """
        memory = known([0.0, 0.0, 0.0], step_size=0.05)
        trained = attack(problem(memory, (1.0, -1.0, 4.0)))
        torch.testing.assert_close(trained, torch.tensor([0.1, -0.1, 0.1]))  # eta + .1 sign(g)
        torch.testing.assert_close(memory.momenta[1].flatten().float(), torch.tensor([0.5, -0.5, 2.0]))
        second = problem(memory, (-1.0, 0.0, 2.0))
        torch.testing.assert_close(second.initial().flatten(), torch.tensor([0.05, -0.05, 0.05]), atol=4e-4, rtol=0)
        trained = attack(second)
        torch.testing.assert_close(trained, torch.tensor([-0.05, -0.05, 0.1]), atol=4e-4, rtol=0)
        wanted = torch.tensor([-0.85, -0.15, 2.6])
        torch.testing.assert_close(memory.momenta[1].flatten().float(), wanted, atol=2e-3, rtol=0)
        third = problem(memory, (0.0, 3.0, 0.0))
        torch.testing.assert_close(third.initial().flatten(), torch.tensor([0.0, -0.1, 0.1]), atol=1e-3, rtol=0)
        attack(third)
        fourth = problem(memory, (0.0, 3.0, 0.0)).initial().flatten()
        torch.testing.assert_close(fourth, torch.tensor([-0.05, -0.05, 0.1]), atol=1e-3, rtol=0)

    def test_the_first_start_is_a_corner(self):
        starts = [
            problem(MomentumMemory(3, (1, 1, 3), EPS), (1.0, 1.0, 1.0), step=step).initial() for step in range(8)
        ]
        assert all(torch.equal(start.abs(), torch.full((1, 1, 1, 3), EPS)) for start in starts)
        assert len({tuple(start.flatten().tolist()) for start in starts}) > 2

    def test_it_begins_anew(self):
        memory = MomentumMemory(3, (1, 1, 3), EPS, begins_anew=2)
        attack(problem(memory, (1.0, 1.0, 1.0)))
        assert memory.known.tolist() == [False, True, False]
        assert memory.momenta[1].all()
        attack(problem(memory, (1.0, 1.0, 1.0)))
        assert not memory.known.any()
        assert not memory.momenta.any()
        attack(problem(memory, (1.0, 1.0, 1.0)))
        assert memory.known.tolist() == [False, True, False]
        assert memory.attacks.tolist() == [0, 3, 0]

    def test_in_an_l2_ball_directions_have_length_one(self):
        memory = MomentumMemory(3, (1, 1, 3), 0.5)
        first = problem(memory, (3.0, 4.0, 0.0), L2Ball(0.5))
        assert first.initial().norm().item() == pytest.approx(0.5)
        memory = known([0.0, 0.0, 0.0], step_size=0.05)
        attack(problem(memory, (3.0, 4.0, 0.0), L2Ball(0.1)))
        start = problem(memory, (3.0, 4.0, 0.0), L2Ball(0.1)).initial().flatten()
        torch.testing.assert_close(start, torch.tensor([0.03, 0.04, 0.0]), atol=4e-4, rtol=0)

    def test_both_follow_the_image(self):
        """Pixel q of the crop is pixel q + 1 of the image, and its last one is padding."""
        memory = known([-EPS, 0.05, 0.05], step_size=0.05)
        memory.momenta[1] = torch.tensor([7.0, -1.0, -1.0])
        right = Placement(torch.tensor([[0, 1]]), torch.tensor([False]))
        attack(problem(memory, (1.0, 0.1, 0.4), placement=right))  # g / mean|g| = (2, .2, .8)
        wanted = torch.tensor([7.0, 1.7, -0.1])  # what was cropped away keeps its own
        torch.testing.assert_close(memory.momenta[1].flatten().float(), wanted, atol=2e-3, rtol=0)
        eta = problem(memory, (1.0, 0.1, 0.4)).initial().flatten()
        torch.testing.assert_close(eta, torch.tensor([-EPS, 0.1, 0.0]), atol=1e-3, rtol=0)

    def test_an_image_does_not_know_its_neighbours(self):
        alone, together = (MomentumMemory(2, (1, 1, 3), EPS) for _ in range(2))
        slopes = torch.tensor([[1.0, 2.0, 3.0], [100.0, 0.0, -50.0]])
        ends = [(alone, [0]), (alone, [1]), (together, [0, 1])]
        for memory, places in ends:
            one = PerturbationProblem(
                Slope((0.0, 0.0, 0.0)),
                torch.full((len(places), 1, 1, 3), 0.5),
                torch.ones(len(places), dtype=torch.int64),
                LinfBall(EPS),
                indices=torch.tensor(places),
                start=memory,
            )
            y = one.constraint.project(one.initial())
            one.started(y)
            one.answered(y, slopes[places].view(-1, 1, 1, 3))
            one.remember(Iterate(y), None)
        assert torch.equal(alone.momenta, together.momenta)
        assert torch.equal(alone.bytes, together.bytes)

    def test_a_gradient_that_is_no_number_leaves_both(self):
        memory = known([0.0, 0.05, 0.0])
        memory.momenta[1] = torch.tensor([1.0, 0.0, -1.0])
        one = problem(memory, (1.0, 1.0, 1.0))
        one.started(one.initial())
        one.answered(one.initial(), torch.full((1, 1, 1, 3), torch.nan))
        one.remember(Iterate(one.initial()), None)
        assert memory.momenta.isfinite().all()
        assert memory.bytes[1].flatten().tolist() == [127, 64, -127]

    def test_bytes_are_as_documented(self):
        size = sum(part.nbytes for part in MomentumMemory(50, (1, 4, 4), EPS).state_dict().values())
        assert size == 50 * (3 * 16 + 5)
        assert (round(1257 * (3 * 64 + 5) / 1e3), round(50_000 * (3 * 3072 + 5) / 1e6)) == (248, 461)
        assert "248 kilobytes\n    for the digits and 461 megabytes for CIFAR-10's" in MomentumMemory.__doc__


def task(threat=None, *, begins_anew=3, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    threat = threat or LinfBall(EPS)
    start = MomentumMemory(48, (1, 8, 8), threat.eps, begins_anew=begins_anew)
    settings = {"epochs": 4, "batch_size": 16, "outer_loss": LogitPairing(10.0), "query_mode": "train", **options}
    return AdversarialTraining(SmallResNet(classes=4, width=2), (LEVELS, LABELS), threat, start=start, **settings)


def test_a_step_asks_for_one_gradient():
    """The query; the logits at the start and at the end, each with a sweep to theta."""
    passes = task().solve(FGSM(step_size=EPS), steps=2, device="cpu").passes
    assert tuple(asdict(passes).values()) == (6, 6, 4)
    alone = task(outer_loss=None).solve(FGSM(step_size=EPS), steps=1, device="cpu").passes
    assert tuple(asdict(alone).values()) == (2, 2, 1)


@pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)], ids=["L_inf", "L_2"])
@pytest.mark.parametrize("augment", [None, CropAndFlip(2)], ids=["as it is", "cropped"])
def test_a_run_goes_on_to_the_bit(threat, augment, tmp_path):
    straight, part, rest = (task(threat, augment=augment) for _ in range(3))
    straight.solve(FGSM(step_size=threat.eps), device="cpu")
    part.solve(FGSM(step_size=threat.eps), device="cpu", out=tmp_path, steps=8)
    rest.solve(FGSM(step_size=threat.eps), device="cpu", out=tmp_path, resume=True)
    for one, other in zip(rest.classifier.parameters(), straight.classifier.parameters(), strict=True):
        assert torch.equal(one, other)
    for name, value in straight.start.state_dict().items():
        assert torch.equal(rest.start.state_dict()[name], value)
    assert straight.start.momenta.any()


def test_a_run_goes_on_with_the_same_start_only(tmp_path):
    task().solve(FGSM(step_size=EPS), device="cpu", out=tmp_path, steps=2)
    with pytest.raises(ValueError, match=r"was run with task\.start\.begins_anew=3, not 5"):
        task(begins_anew=5).solve(FGSM(step_size=EPS), device="cpu", out=tmp_path, resume=True)


def test_other_optimizers_move_it_by_their_first_gradient():
    torch.manual_seed(0)
    learned = LearnedOptimizer(CNNUpdater.light(channels=1, width=2), steps=2)
    for optimizer in (PGM(steps=3, step_size=EPS / 2, random_start=0.0), learned):
        game = task(outer_loss=None)
        game.solve(optimizer, steps=3, device="cpu")
        assert (game.start.momenta.flatten(1).float().abs().mean(1) - 1).abs().max() < 1e-2


def test_refused():
    with pytest.raises(ValueError, match=r"the inner optimizer asked for none; pass one that does"):
        task().solve(GradientAscent(steps=0), steps=1, device="cpu")
    with pytest.raises(ValueError, match="room for images of shape"):
        AdversarialTraining(
            SmallResNet(classes=4), (LEVELS, LABELS), LinfBall(EPS), start=MomentumMemory(47, (1, 8, 8), EPS)
        )
    with pytest.raises(ValueError, match="begins_anew"):
        task(begins_anew=0)
