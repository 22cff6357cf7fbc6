"""NuAT: the nuclear norm shared out among images, its gradient, its growth, and what a step costs."""

from dataclasses import asdict

import pytest
import torch

from minimax_l2l import FGSM, L2Ball, LinfBall, NonFiniteError
from minimax_l2l.modes import querying
from tasks.adversarial import (
    AdversarialTraining,
    CornerStart,
    CropAndFlip,
    LogitPairing,
    Nuat,
    PerturbationProblem,
    SmallResNet,
    cross_entropy,
)
from tasks.adversarial.outer_losses.nuat import shares

EPS = 0.1
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


def task(threat=None, **options) -> AdversarialTraining:
    torch.manual_seed(0)
    threat = threat or LinfBall(EPS)
    settings = {
        "outer_loss": Nuat(),
        "start": CornerStart(threat.eps / 2),
        "epochs": 2,
        "batch_size": 16,
        **options,
    }
    net = SmallResNet(classes=4, width=2)
    return AdversarialTraining(net, (LEVELS, LABELS), threat, query_mode="train", **settings)


class TestShares:
    def test_by_hand(self):
        """A diagonal matrix has its entries as singular values; a multiple of a unit row has one, its length."""
        torch.testing.assert_close(shares(torch.diag(torch.tensor([3.0, -4.0]))), torch.tensor([3.0, 4.0]))
        row = torch.tensor([[3.0, 4.0]])
        torch.testing.assert_close(shares(row), torch.tensor([5.0]))
        torch.testing.assert_close(shares(row.repeat(4, 1)), torch.full((4,), 2.5))  # 4 rows: 10 in all, not 20

    @pytest.mark.parametrize("shape", [(16, 10), (4, 10), (7, 7)])
    def test_they_sum_to_the_norm_and_so_do_their_gradients(self, shape):
        rows = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
        torch.testing.assert_close(shares(rows).sum(), torch.linalg.matrix_norm(rows, "nuc"), rtol=1e-5, atol=0)
        (own,) = torch.autograd.grad(shares(rows).sum(), rows)
        (norms,) = torch.autograd.grad(torch.linalg.matrix_norm(rows, "nuc"), rows)
        torch.testing.assert_close(own, norms, rtol=1e-4, atol=1e-5)

    def test_equal_logits_have_no_gradient(self):
        rows = torch.zeros(4, 3, requires_grad=True)
        shares(rows).sum().backward()
        assert not rows.grad.any()

    def test_nan_is_told(self):
        assert shares(torch.tensor([[1.0, torch.nan], [0.0, 1.0]])).isnan().tolist() == [True, False]


def test_it_grows_and_the_attack_heeds_it_on_every_second_step():
    nuat = Nuat(weight=4.0)
    assert [nuat.at(step, 8).weight for step in (0, 1, 4, 8, 12)] == [0.0, 0.5, 2.0, 4.0, 4.0]
    assert nuat.weight == 4.0
    paired = LogitPairing(10.0, of=nuat).at(4, 8)
    assert (paired.weight, paired.of.weight) == (10.0, 2.0)
    still = LogitPairing(10.0)
    assert still.at(4, 8) is still


@pytest.mark.parametrize("step", [2, 3])
def test_what_the_players_are_given(step):
    game = task()
    batch = game.batches()[step]
    problem = game.inner_problem(batch)
    y = EPS / 2 * torch.ones_like(problem.images)
    weight = 4.0 * step / 6
    with querying(game.classifier, "train"):
        clean, attacked = game.classifier(problem.images), game.classifier(problem.view(y))
        norm = torch.linalg.matrix_norm(attacked - clean, "nuc") / 16
        losses = game.losses(problem, y)
        torch.testing.assert_close(losses.outer, cross_entropy(clean, batch.labels).mean() + weight * norm)
        wanted = cross_entropy(attacked, batch.labels).mean() + (weight * norm if step % 2 else 0)
        torch.testing.assert_close(losses.meta, wanted)
        torch.testing.assert_close(problem.objective(y).mean(), wanted)


def test_passes_of_a_step():
    """The query, logits of clean and attacked images; on every second step the clean ones for the attack."""
    counts = [
        tuple(asdict(task().solve(FGSM(step_size=EPS), steps=steps, device="cpu").passes).values())
        for steps in (1, 2)
    ]
    assert counts == [(3, 3, 2), (7, 6, 4)]


@pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)], ids=["L_inf", "L_2"])
@pytest.mark.parametrize("augment", [None, CropAndFlip(2)], ids=["as it is", "cropped"])
def test_a_run_goes_on_to_the_bit(threat, augment, tmp_path):
    games = [task(threat, augment=augment) for _ in range(3)]
    optimizer = FGSM(step_size=threat.eps)
    games[0].solve(optimizer, device="cpu")
    games[1].solve(optimizer, device="cpu", out=tmp_path, steps=3)
    games[2].solve(optimizer, device="cpu", out=tmp_path, resume=True)
    for one, other in zip(games[0].classifier.parameters(), games[2].classifier.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_loss_that_explodes_is_told_as_any_other():
    game = task()
    with torch.no_grad():
        next(iter(game.classifier.parameters())).fill_(torch.nan)
    with pytest.raises(NonFiniteError):
        game.solve(FGSM(step_size=EPS), device="cpu")


class TestCornerStart:
    @pytest.mark.parametrize(("threat", "order"), [(LinfBall(EPS), torch.inf), (L2Ball(0.5), 2)])
    def test_every_image_starts_at_a_corner_of_its_own(self, threat, order):
        images = torch.full((4, 1, 8, 8), 0.5)
        radius = threat.eps / 2

        def start(step):
            labels = torch.zeros(4, dtype=torch.int64)
            return PerturbationProblem(
                SmallResNet(), images, labels, threat, step=step, start=CornerStart(radius)
            ).initial()

        first = start(0)
        torch.testing.assert_close(first.flatten(1).norm(order, dim=1), torch.full((4,), radius))
        if order == torch.inf:
            assert torch.equal(first.abs(), torch.full_like(first, radius))
        assert 0.3 < (first > 0).float().mean() < 0.7
        assert len(first.flatten(1).unique(dim=0)) == 4
        assert not torch.equal(first, start(1))

    def test_refused(self):
        with pytest.raises(ValueError, match="radius"):
            CornerStart(0.0)
