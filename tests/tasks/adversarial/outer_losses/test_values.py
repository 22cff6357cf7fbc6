"""The outer losses by hand: a linear classifier, two classes, probabilities that are fractions."""

from math import log

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from minimax_l2l import LinfBall
from tasks.adversarial import (
    LogitPairing,
    Logits,
    Mart,
    OnAttacked,
    PerturbationProblem,
    Trades,
    cross_entropy,
    smoothed,
)
from tasks.adversarial.outer_losses.mart import margin_term
from tasks.adversarial.outer_losses.trades import divergence

EPS = 0.5
# f(x) = W x. The clean image (1, 0) has logits (0, log 3), so p = (1/4, 3/4); perturbed to (1/2, 0) it has
# logits (0, log 3 / 2), so q = (1, sqrt 3) / (1 + sqrt 3); at (1, 1/2) it has logits (log 3 / 2, log 3).
WEIGHT = torch.tensor([[0.0, log(3)], [log(3), 0.0]], dtype=torch.float64)
ROOT = 3**0.5
P, Q = (1 / 4, 3 / 4), (1 / (1 + ROOT), ROOT / (1 + ROOT))
KL = P[0] * log(P[0] / Q[0]) + P[1] * log(P[1] / Q[1])


def linear() -> nn.Module:
    layer = nn.Linear(2, 2, bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(WEIGHT)
    return nn.Sequential(nn.Flatten(), layer)


def seen(label: int, y=(-0.5, 0.0), start=None) -> tuple[PerturbationProblem, Logits]:
    images = torch.tensor([1.0, 0.0], dtype=torch.float64).view(1, 1, 1, 2)
    problem = PerturbationProblem(linear(), images, torch.tensor([label]), LinfBall(EPS))
    if start is not None:
        problem.started(torch.tensor(start, dtype=torch.float64).view(1, 1, 1, 2))
    return problem, Logits(problem, torch.tensor(y, dtype=torch.float64).view(1, 1, 1, 2))


def test_trades():
    losses = Trades(beta=6.0).losses(seen(0)[1])
    assert losses.outer.item() == pytest.approx(-log(P[0]) + 6 * KL)
    assert losses.meta.item() == pytest.approx(KL)


@pytest.mark.parametrize("label", [0, 1])
def test_mart(label):
    problem, logits = seen(label)
    losses = Mart(beta=5.0).losses(logits)
    boosted = -log(Q[label]) - log(1 - Q[1 - label])
    assert losses.outer.item() == pytest.approx(boosted + 5 * KL * (1 - P[label]))
    assert losses.meta.item() == pytest.approx(-log(Q[label]))
    assert losses.meta.item() == problem.objective(torch.tensor([[[[-0.5, 0.0]]]]).double()).item()


def test_logit_pairing():
    start, end = (0.0, 0.5), (-0.5, 0.0)
    losses = LogitPairing(10.0).losses(seen(1, end, start)[1])
    apart = (log(3) / 2 - 0) ** 2 + (log(3) - log(3) / 2) ** 2
    assert losses.outer.item() == pytest.approx(-log(Q[1]) + 10 * apart / 2)
    assert losses.meta.item() == pytest.approx(-log(Q[1]))
    around = LogitPairing(10.0, of=Trades(beta=2.0)).losses(seen(1, end, start)[1])
    assert around.outer.item() == pytest.approx(-log(P[1]) + 2 * KL + 10 * apart / 2)
    assert around.meta.item() == pytest.approx(KL)


def test_smoothing():
    losses = OnAttacked(smoothed(0.4)).losses(seen(0)[1])
    assert losses.outer.item() == pytest.approx(-0.8 * log(Q[0]) - 0.2 * log(Q[1]))
    assert losses.meta.item() == pytest.approx(-log(Q[0]))
    both = Trades(1.0, loss=smoothed(0.4)).losses(seen(0)[1])
    assert both.outer.item() == pytest.approx(-0.8 * log(P[0]) - 0.2 * log(P[1]) + KL)


def logits_of(count: int, classes: int = 5, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(count, classes, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class TestLaws:
    def test_trades_without_beta_is_cross_entropy_on_clean_images(self):
        problem, logits = seen(0)
        losses = Trades(beta=0.0).losses(logits)
        assert torch.equal(losses.outer, cross_entropy(problem.module(problem.images), problem.labels).mean())

    def test_the_divergence_is_torch_s_and_zero_at_itself(self):
        clean, attacked = logits_of(6), logits_of(6).flip(0)
        wanted = F.kl_div(attacked.log_softmax(1), clean.softmax(1), reduction="none").sum(1)
        torch.testing.assert_close(divergence(clean.log_softmax(1), attacked), wanted)
        assert torch.equal(divergence(clean.log_softmax(1), clean), torch.zeros(6, dtype=torch.float64))
        assert (wanted > 0).all()

    def test_the_divergence_is_the_objective_of_trades(self):
        problem, logits = seen(0)
        ascended = Trades().ascended(problem.module, problem.images)
        torch.testing.assert_close(ascended(logits.attacked, problem.labels).mean(), Trades().losses(logits).meta)

    def test_mart_weighs_nothing_where_the_clean_prediction_is_sure_and_right(self):
        _, logits = seen(0)
        logits.clean = torch.tensor([[800.0, 0.0]], dtype=torch.float64)
        losses = Mart(beta=5.0).losses(logits)
        assert losses.outer.item() == pytest.approx(-log(Q[0]) - log(1 - Q[1]))

    def test_the_margin_term_of_two_classes_is_their_cross_entropy(self):
        logits, labels = logits_of(6, classes=2), torch.arange(6) % 2
        torch.testing.assert_close(margin_term(logits, labels), cross_entropy(logits, labels))

    def test_the_margin_term_looks_at_the_best_wrong_class(self):
        logits, labels = logits_of(6), torch.arange(6) % 5
        chances = logits.softmax(1)
        wrong = chances.scatter(1, labels[:, None], 0).amax(1)
        torch.testing.assert_close(margin_term(logits, labels), -(1 - wrong).log())

    def test_no_smoothing_is_cross_entropy(self):
        logits, labels = logits_of(6), torch.arange(6) % 5
        assert torch.equal(smoothed(0.0)(logits, labels), cross_entropy(logits, labels))

    def test_pairing_with_itself_adds_nothing(self):
        y = (-0.5, 0.0)
        assert torch.equal(
            LogitPairing(10.0).losses(seen(0, y, y)[1]).outer, LogitPairing(0.0).losses(seen(0, y)[1]).outer
        )

    @pytest.mark.parametrize(
        "loss", [Trades(), Mart(), LogitPairing(1.0, of=Mart())], ids=lambda one: type(one).__name__
    )
    def test_probabilities_that_are_rounded_to_zero_and_one_spoil_nothing(self, loss):
        classifier = linear().float()
        images = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).view(3, 1, 1, 2)
        with torch.no_grad():
            classifier[1].weight *= 1000
        problem = PerturbationProblem(classifier, images, torch.tensor([0, 0, 1]), LinfBall(EPS))
        y = torch.tensor([[-1.0, 1.0], [1.0, -1.0], [1.0, 0.0]]).view(3, 1, 1, 2).requires_grad_()
        losses = loss.losses(Logits(problem, y))
        slopes = torch.autograd.grad(losses.outer + losses.meta, [y, *classifier.parameters()])
        assert losses.outer.isfinite()
        assert losses.outer > 10
        assert all(slope.isfinite().all() for slope in slopes)
