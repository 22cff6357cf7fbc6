"""LIET: a start from the label, the divergence between start and end, and what they cost."""

from dataclasses import asdict
from math import log

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from minimax_l2l import FGSM, L2Ball, LinfBall
from tasks.adversarial import (
    AdversarialTraining,
    CropAndFlip,
    JensenShannon,
    LabelStart,
    PerturbationProblem,
    SmallResNet,
)
from tasks.adversarial.outer_losses.jensen_shannon import jensen_shannon

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


def task(threat=None, start=None, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    settings = {"outer_loss": JensenShannon(10.0), "epochs": 4, "batch_size": 16, "query_mode": "train", **options}
    net, start = SmallResNet(classes=4, width=2), start or LabelStart(4, every=5)
    return AdversarialTraining(net, (LEVELS, LABELS), threat or LinfBall(EPS), start=start, **settings)


def linear(start, threat=None, *, step=0, count=6) -> PerturbationProblem:
    """Logits (x_1, x_2, 0) of four pixels; the gradient of class 0 at grey is (p_0 - 1, p_1, 0, 0)."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 0]]))
    images, labels = torch.full((count, 1, 2, 2), 0.5), torch.arange(count) % 3
    return PerturbationProblem(net, images, labels, threat or LinfBall(EPS), start=start, step=step)


class TestByHand:
    def test_without_noise_each_class_has_a_pattern_and_each_image_a_sign(self):
        start = LabelStart(3, least=0.0, most=0.0)
        patterns = EPS * torch.tensor([[-1.0, 1.0, 0, 0], [1.0, -1.0, 0, 0], [1.0, 1.0, 0, 0]])
        signs = set()
        for step in range(6):
            first = linear(start, step=step).initial().flatten(1)
            ratio = first[:, :1] / patterns[[0, 1, 2, 0, 1, 2], :1]
            torch.testing.assert_close(ratio.abs(), torch.ones(6, 1))
            torch.testing.assert_close(first, ratio.sign() * patterns[[0, 1, 2, 0, 1, 2]])
            signs.add(tuple(ratio.sign().flatten().tolist()))
        assert len(signs) > 3

    def test_in_an_l2_ball_patterns_have_its_length(self):
        first = linear(LabelStart(3, least=0.0, most=0.0), L2Ball(0.2)).initial().flatten(1)
        torch.testing.assert_close(first.norm(dim=1), torch.full((6,), 0.2))
        p = torch.tensor([0.5, 0.5, 0.0]).softmax(0)
        wanted = torch.tensor([p[0] - 1, p[1]])
        torch.testing.assert_close(first[0, :2].abs(), 0.2 * wanted.abs() / wanted.norm())

    def test_a_share_between_the_two_is_replaced(self):
        """Two entries of four have no gradient, so of those what is not zero was replaced: uniform in the ball."""
        problem = linear(LabelStart(3, least=0.2, most=0.4), count=3000)
        replaced = problem.initial().flatten(1)[:, 2:]
        assert abs((replaced != 0).float().mean().item() - 0.3) < 0.02
        values = replaced[replaced != 0] / EPS
        assert values.abs().max() <= 1
        assert values.std().item() == pytest.approx(3**-0.5, abs=0.03)

    def test_it_asks_again_when_it_is_time_and_counts_a_part_of_a_pass(self):
        start = LabelStart(3, every=5)
        for step, asked in ((0, 0.5), (4, 0), (5, 0.5), (7, 0), (10, 0.5), (0, 0.5)):
            problem = linear(start, step=step)
            problem.initial(), problem.initial()
            assert tuple(asdict(problem.passes).values()) == (asked, asked, 0)  # three grey images, six in a batch


class TestJensenShannon:
    def test_by_hand(self):
        logits = torch.tensor([[0.75, 0.25], [1.0, 1e-30]]).log()
        others = torch.tensor([[0.25, 0.75], [1e-30, 1.0]]).log()
        wanted = torch.tensor([0.75 * log(1.5) + 0.25 * log(0.5), log(2)])
        torch.testing.assert_close(jensen_shannon(logits, others), wanted)
        torch.testing.assert_close(jensen_shannon(others, logits), wanted)
        assert not jensen_shannon(logits, logits).any()

    def test_it_grows(self):
        loss = JensenShannon(100.0)
        assert [loss.at(step, 10).weight for step in (0, 1, 5, 10, 11)] == [0.0, 10.0, 50.0, 100.0, 100.0]

    def test_theta_descends_it(self):
        game = task(start=LabelStart(4))
        problem = game.inner_problem(game.batches()[6])
        end = FGSM(step_size=EPS).maximize(problem)
        first, last = (game.classifier(problem.images + y) for y in (problem.first, end.y))
        p, q = first.softmax(1), last.softmax(1)
        m = (p + q) / 2
        apart = 0.5 * ((p * (p / m).log()).sum(1) + (q * (q / m).log()).sum(1)).mean()
        wanted = nn.functional.cross_entropy(last, problem.labels) + 10.0 * 6 / 12 * apart
        torch.testing.assert_close(game.losses(problem, end.y).outer, wanted)
        assert apart > 0

    def test_it_needs_to_know_how_long_a_run_is(self):
        class Endless(IterableDataset):
            def __iter__(self):
                return iter([(torch.rand(1, 8, 8), i % 4) for i in range(16)])

        with pytest.raises(ValueError, match="JensenShannon grows over a number of steps"):
            AdversarialTraining(
                SmallResNet(classes=4),
                DataLoader(Endless(), batch_size=8),
                LinfBall(EPS),
                outer_loss=JensenShannon(1.0),
            )


def test_passes_of_a_step():
    """The query, and the logits at start and end; four grey images of sixteen are a quarter of a pass."""
    passes = task().solve(FGSM(step_size=EPS), steps=1, device="cpu").passes
    assert tuple(asdict(passes).values()) == (3.25, 3.25, 2)
    passes = task().solve(FGSM(step_size=EPS), steps=6, device="cpu").passes
    assert tuple(asdict(passes).values()) == (18.5, 18.5, 12)


@pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)], ids=["L_inf", "L_2"])
@pytest.mark.parametrize("augment", [None, CropAndFlip(2)], ids=["as it is", "cropped"])
def test_a_run_goes_on_to_the_bit(threat, augment, tmp_path):
    games = [task(threat, augment=augment) for _ in range(3)]
    optimizer = FGSM(step_size=threat.eps)
    games[0].solve(optimizer, device="cpu")
    games[1].solve(optimizer, device="cpu", out=tmp_path, steps=7)  # asked at 5, and again at 10
    games[2].solve(optimizer, device="cpu", out=tmp_path, resume=True)
    for one, other in zip(games[0].classifier.parameters(), games[2].classifier.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(games[0].start.state_dict()["directions"], games[2].start.state_dict()["directions"])


@pytest.mark.parametrize("options", [{"least": 0.6}, {"every": 0}, {"most": 1.5}])
def test_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        LabelStart(4, **options)


def test_labels_of_more_classes_are_refused():
    with pytest.raises(ValueError, match="made for classes=3, and there is a label 3"):
        task(start=LabelStart(3))
