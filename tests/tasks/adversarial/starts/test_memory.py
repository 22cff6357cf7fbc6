"""Where each image's last attack ended, in one byte a pixel."""

import pytest
import torch

from minimax_l2l import PGM, Iterate, LinfBall
from tasks.adversarial import AdversarialTraining, PerturbationProblem, SmallResNet
from tasks.adversarial.starts.memory import PerturbationMemory

EPS = 0.15


def memory(count: int = 10) -> PerturbationMemory:
    return PerturbationMemory(count, (1, 4, 4), EPS)


def noise(count: int) -> torch.Tensor:
    return EPS * (2 * torch.rand(count, 1, 4, 4, generator=torch.Generator().manual_seed(0)) - 1)


class TestMemory:
    def test_round_trip_is_within_half_a_unit(self):
        kept, indices, perturbations = memory(), torch.tensor([7, 0, 3]), noise(3)
        kept.store(indices, perturbations)
        recalled, known = kept.recall(indices, perturbations)
        assert known.all()
        assert (recalled - perturbations).abs().max() <= EPS / 254 * (1 + 1e-5)

    def test_zero_and_both_ends_are_exact(self):
        kept = memory()
        ends = torch.tensor([0.0, EPS, -EPS]).view(3, 1, 1, 1).expand(3, 1, 4, 4)
        kept.store(torch.arange(3), ends)
        torch.testing.assert_close(kept.recall(torch.arange(3), ends)[0], ends, atol=1e-8, rtol=1e-6)

    def test_a_second_round_trip_changes_nothing(self):
        kept = memory()
        kept.store(torch.arange(5), noise(5))
        once = kept.recall(torch.arange(5), noise(5))[0]
        kept.store(torch.arange(5), once)
        assert torch.equal(kept.recall(torch.arange(5), once)[0], once)

    def test_others_stay_unknown(self):
        kept = memory()
        kept.store(torch.tensor([2, 5]), noise(2))
        recalled, known = kept.recall(torch.arange(10), noise(10))
        assert known.tolist() == [i in (2, 5) for i in range(10)]
        assert not recalled[~known].any()

    def test_bytes_are_as_documented(self):
        kept = memory(50)
        size = sum(part.numel() * part.element_size() for part in kept.state_dict().values())
        assert size == 50 * 16 + 50
        digits, cifar = (1257 * 64 + 1257, 50_000 * 3072 + 50_000)
        assert (digits // 1000, round(cifar / 1e6)) == (81, 154)
        assert "eighty-one kilobytes for the digits, 154 megabytes for CIFAR-10" in PerturbationMemory.__doc__

    def test_state_comes_back(self):
        kept, again = memory(), memory()
        kept.store(torch.arange(3), noise(3))
        again.load_state_dict(kept.state_dict())
        assert torch.equal(again.recall(torch.arange(3), noise(3))[0], kept.recall(torch.arange(3), noise(3))[0])


def problem(kept: PerturbationMemory | None, indices: torch.Tensor, *, step: int = 0) -> PerturbationProblem:
    images = torch.linspace(0.2, 0.8, 16 * len(indices)).view(-1, 1, 4, 4)
    labels = torch.zeros(len(indices), dtype=torch.int64)
    torch.manual_seed(1)
    classifier = SmallResNet(width=2).eval()
    return PerturbationProblem(classifier, images, labels, LinfBall(EPS), indices=indices, start=kept, step=step)


class TestStarts:
    def test_images_that_were_never_met_start_at_random(self):
        start = problem(memory(), torch.arange(4)).initial()
        assert (start != 0).all()
        assert start.abs().max() <= EPS
        assert len(start.flatten(1).unique(dim=0)) == 4
        other = problem(memory(), torch.arange(4), step=1).initial()
        assert not torch.equal(start, other)

    def test_known_images_start_where_the_last_attack_ended(self):
        kept, indices = memory(), torch.tensor([4, 1, 8])
        first = problem(kept, indices)
        attack = PGM(steps=3, step_size=EPS / 4, random_start=0.0)
        with torch.no_grad():
            end = attack.maximize(first)
        first.remember(end, None)
        start = attack.start(problem(kept, indices, step=9))
        assert (start - end.y).abs().max() <= EPS / 254 * (1 + 1e-5)

    def test_a_batch_may_hold_both(self):
        kept = memory()
        kept.store(torch.tensor([1]), noise(1))
        start = problem(kept, torch.tensor([0, 1])).initial()
        torch.testing.assert_close(start[1:], kept.recall(torch.tensor([1]), noise(1))[0])
        assert torch.equal(start[:1], problem(memory(), torch.tensor([0, 1])).initial()[:1])

    def test_without_a_memory_nothing_is_kept(self):
        forgetful = problem(None, torch.arange(2))
        forgetful.remember(Iterate(noise(2)), None)
        assert not forgetful.initial().any()


def test_a_random_start_of_an_attack_that_goes_on_is_told():
    images = torch.rand(8, 1, 8, 8)

    def play(optimizer, **options):
        classifier = SmallResNet(classes=4, width=2)
        game = AdversarialTraining(classifier, (images, torch.arange(8) % 4), LinfBall(EPS), epochs=2, **options)
        game.solve(optimizer, device="cpu")

    with pytest.warns(UserWarning, match=r"random_start=1 moves it .* pass random_start=0\.0") as said:
        play(PGM(steps=1, step_size=EPS), remembers=True)
    assert len(said) == 1
    play(PGM(steps=1, step_size=EPS, random_start=0.0), remembers=True)
    play(PGM(steps=1, step_size=EPS))
