"""Random perturbations of each image: which they are, how many are shown, and what falls to them."""

import pytest
import torch
from on_paper import EPS, Linear, linear_problem

from minimax_l2l import PGM, L2Ball, LinfBall, uniform
from tasks.adversarial import evaluate, withstands, withstands_random

DRAWS = 20
WIDE = LinfBall(0.3)


class Counting(Linear):
    """Keeps how many images it sees at a time."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append(len(images))
        return super().forward(images)


def one_by_one(classifier, images, threat, draws):
    """Each draw of each image on its own."""
    kept = []
    for place, (pixels, label) in enumerate(zip(images.images, images.labels, strict=True)):
        kept.append(True)
        for draw in range(draws):
            noise = uniform(pixels[None], torch.tensor([place]), seed=3, step=draw)
            moved = (pixels + threat.eps * (2 * noise - 1)).clamp(0, 1)
            kept[-1] &= bool(classifier(moved)[0].argmax() == label)
    return torch.tensor(kept)


class TestWithstandsRandom:
    @pytest.mark.parametrize("batch_size", [1, 7, 100_000])
    def test_every_draw_of_every_image_whatever_the_batches(self, batch_size):
        classifier, images = linear_problem(16)
        kept = withstands_random(classifier, images, WIDE, draws=DRAWS, seed=3, batch_size=batch_size)
        assert torch.equal(kept, one_by_one(classifier, images, WIDE, DRAWS))
        assert 1 < kept.sum() < 13

    def test_more_draws_find_more_and_never_less(self):
        classifier, images = linear_problem(30)
        few, many = (withstands_random(classifier, images, WIDE, draws=draws) for draws in (5, 500))
        assert not (many & ~few).any()
        assert many.sum() < few.sum()

    def test_images_that_fell_are_shown_no_more(self):
        classifier, images = linear_problem(30, kind=Counting)
        classifier.seen.clear()
        kept = withstands_random(classifier, images, WIDE, draws=DRAWS, batch_size=30)
        first, *seen = classifier.seen[3:]  # it is tried beforehand, on one image, four and two
        assert first == 30 > max(seen[:2])
        assert max(seen) <= 30
        assert kept.sum() * DRAWS <= 30 + sum(seen) < 0.9 * 30 * DRAWS

    def test_batches_stay_full_when_few_are_left(self):
        classifier, images = linear_problem(4, kind=Counting)
        labels = classifier(images.images).argmax(1)
        classifier.seen.clear()
        assert withstands_random(
            classifier, (images.images, labels), LinfBall(1e-6), draws=1000, batch_size=100
        ).all()
        assert classifier.seen == [1, 4, 2, *[100] * 40]

    def test_stays_in_the_ball_and_among_the_pixels(self):
        far = []

        class Watching(Linear):
            def forward(self, pixels):
                far.append((pixels.min().item(), pixels.max().item(), len(pixels), pixels))
                return super().forward(pixels)

        classifier, images = linear_problem(1, kind=Watching)
        labels = Linear()(images.images).argmax(1)
        far.clear()
        withstands_random(classifier, (images.images, labels), L2Ball(0.05), draws=64, batch_size=64)
        moved = far[-1][3]
        distances = (moved - images.images).flatten(1).norm(dim=1)
        assert distances.max() <= 0.05 + 1e-6
        assert len(distances.unique()) == 64
        assert far[-1][0] >= 0
        assert far[-1][1] <= 1

    def test_an_image_that_leaves_the_numbers_is_lost(self):
        class Logarithm(Linear):
            def forward(self, pixels):
                return super().forward((pixels - 0.2).log())

        pixels = torch.full((3, 1, 4, 4), 0.9)
        pixels[1] = 0.3  # within 0.15 of where the logarithm ends
        with torch.no_grad():
            labels = Logarithm()(pixels).argmax(1)
        with pytest.warns(UserWarning, match="ended at NaN or infinity on 1 images, which count as lost"):
            kept = withstands_random(Logarithm(), (pixels, labels), LinfBall(0.15), draws=200)
        assert not kept[1]

    @pytest.mark.parametrize(
        ("arguments", "error", "said"),
        [
            ({"draws": 0}, ValueError, "draws must be"),
            ({"draws": 2.5}, TypeError, "draws must be"),
            ({"batch_size": 0}, ValueError, "batch_size must be"),
            ({"seed": -1}, ValueError, "seed must be"),
        ],
    )
    def test_refusals(self, arguments, error, said):
        classifier, images = linear_problem(4)
        with pytest.raises(error, match=said):
            withstands_random(classifier, images, WIDE, **arguments)


class TestInAnEvaluation:
    def test_is_a_field_if_asked_for_and_counts_in_the_worst_case(self):
        classifier, images = linear_problem(16)
        result = evaluate(classifier, images, LinfBall(EPS), tier="quick", random_draws=DRAWS, random_images=12)
        kept = result.survived["random_20"]
        alone = withstands_random(classifier, images.first(12), LinfBall(EPS), draws=DRAWS)
        assert torch.equal(kept, alone & result.survived["clean"][:12])
        assert result.accuracies()["random_20"] == pytest.approx(kept.float().mean().item())
        assert result.accuracies()["worst_case"] <= result.accuracies()["random_20"]

    def test_gradients_do_better(self):
        """On a linear classifier a sign step finds what 500 random ones do not."""
        classifier, images = linear_problem(30)
        by_gradient = withstands(classifier, images, LinfBall(EPS), PGM(steps=10, step_size=EPS / 4))
        assert by_gradient.sum() + 3 < withstands_random(classifier, images, LinfBall(EPS), draws=500).sum()

    def test_refusals(self):
        classifier, images = linear_problem(4)
        for name, value in (("random_draws", -1), ("random_images", 0)):
            with pytest.raises(ValueError, match=f"{name} must be"):
                evaluate(classifier, images, LinfBall(EPS), tier="quick", **{name: value})
