"""What is remembered follows the image through crops and flips."""

import pytest
import torch

from minimax_l2l import FGSM, PGM, Iterate, L2Ball, LinfBall
from tasks.adversarial import AdversarialTraining, CropAndFlip, PerturbationProblem, SmallResNet
from tasks.adversarial.data.augmentation import Placement
from tasks.adversarial.starts.memory import PerturbationMemory

EPS = 0.1
UNIT = EPS / 127
LEVELS = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(48) % 4


def net() -> SmallResNet:
    torch.manual_seed(0)
    return SmallResNet(classes=4, width=2)


def task(threat=None, **options) -> AdversarialTraining:
    settings = {"epochs": 3, "batch_size": 16, "augment": CropAndFlip(2), "remembers": True, **options}
    return AdversarialTraining(net(), (LEVELS, LABELS), threat or LinfBall(EPS), **settings)


def problem(memory: PerturbationMemory, placement: Placement | None, side: int = 3) -> PerturbationProblem:
    images = torch.full((1, 1, side, side), 0.5)
    if placement is not None:
        images = placement.apply(images)
    return PerturbationProblem(
        net(),
        images,
        torch.zeros(1, dtype=torch.int64),
        LinfBall(EPS),
        indices=torch.tensor([2]),
        start=memory,
        placement=placement,
    )


def codes(memory: PerturbationMemory) -> list[list[int]]:
    return memory.bytes[2, 0].tolist()


class TestByHand:
    """A memory of four images of 3 x 3, of which the third is met."""

    def test_a_shift_and_a_flip(self):
        memory = PerturbationMemory(4, (1, 3, 3), EPS)
        down = Placement(torch.tensor([[1, 0]]), torch.tensor([False]))
        numbers = torch.arange(1.0, 10).view(1, 1, 3, 3) * UNIT
        problem(memory, down).remember(Iterate(numbers), None)
        assert codes(memory) == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]  # 7, 8, 9 were of the padding
        mirror = Placement(torch.tensor([[0, 0]]), torch.tensor([True]))
        start = problem(memory, mirror).initial() / UNIT
        assert start.round().int()[0, 0].tolist() == [[0, 0, 0], [3, 2, 1], [6, 5, 4]]
        right = Placement(torch.tensor([[0, 1]]), torch.tensor([True]))
        problem(memory, right).remember(Iterate(-numbers), None)
        assert codes(memory) == [[0, -3, -2], [1, -6, -5], [4, -9, -8]]  # the first column keeps what it had

    def test_without_a_placement_nothing_moves(self):
        memory = PerturbationMemory(4, (1, 3, 3), EPS)
        problem(memory, None).remember(Iterate(torch.arange(1.0, 10).view(1, 1, 3, 3) * UNIT), None)
        assert codes(memory) == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]

    def test_other_images_are_left_alone(self):
        memory = PerturbationMemory(4, (1, 3, 3), EPS)
        down = Placement(torch.tensor([[1, 0]]), torch.tensor([False]))
        problem(memory, down).remember(Iterate(torch.full((1, 1, 3, 3), EPS)), None)
        assert memory.known.tolist() == [False, False, True, False]
        assert not memory.bytes[[0, 1, 3]].any()

    def test_what_is_no_placement(self):
        with pytest.raises(TypeError, match="placement must be a Placement, got tuple"):
            PerturbationProblem(
                net(), torch.zeros(1, 1, 8, 8), torch.zeros(1).long(), LinfBall(EPS), placement=(1, False)
            )


def test_there_is_room_for_these_images_alone():
    sentence = r"the start has room for images of shape \(10, 1, 8, 8\), got \(48, 1, 8, 8\)"
    with pytest.raises(ValueError, match=sentence):
        task(remembers=False, start=PerturbationMemory(10, (1, 8, 8), EPS))
    given = task(remembers=False, start=PerturbationMemory(48, (1, 8, 8), EPS))
    made = task()
    for game in (given, made):
        game.solve(FGSM(step_size=EPS), device="cpu")
    assert torch.equal(given.start.bytes, made.start.bytes)


class TestBatches:
    def test_carry_their_placement(self):
        game = task()
        for batch in game.batches():
            images = LEVELS[batch.indices].float() / 255
            assert torch.equal(batch.images, batch.placement.apply(images))
            assert not torch.equal(batch.images, images)

    def test_of_another_size_place_an_image_at_a_step_alike(self):
        large, small = task(batch_size=48).batches()[2], task(batch_size=6).batches()[2]
        places = [large.indices.tolist().index(image) for image in small.indices.tolist()]
        assert len(places) == 6
        assert torch.equal(large.placement.shifts[places], small.placement.shifts)
        assert torch.equal(large.placement.flips[places], small.placement.flips)
        assert torch.equal(large.images[places], small.images)

    def test_without_an_augment_or_with_a_function_they_have_none(self):
        def flip(images):
            return images.flip(-1)

        assert all(batch.placement is None for batch in task(augment=None).batches())
        assert all(batch.placement is None for batch in task(augment=flip, remembers=False).batches())


@pytest.mark.parametrize("threat", [LinfBall(EPS), L2Ball(0.5)], ids=["L_inf", "L_2"])
class TestRun:
    def test_an_attack_starts_where_the_last_one_on_the_same_pixels_ended(self, threat):
        game, attack = task(threat), PGM(steps=2, step_size=threat.eps / 3, random_start=0.0)
        batches = game.batches()
        for step in range(3):  # an epoch
            met = game.inner_problem(batches[step])
            with torch.no_grad():
                met.remember(attack.maximize(met), None)
        kept = game.start.bytes.clone()
        later = batches[4]
        start = game.inner_problem(later).initial()
        expected = later.placement.apply(kept[later.indices].float() * (threat.eps / 127))
        assert torch.equal(start, expected)
        assert start.flatten(1).any(1).all()
        projected = attack.start(game.inner_problem(later))
        seen = game.inner_problem(later).view(projected)
        assert -1e-6 <= seen.min() <= seen.max() <= 1 + 1e-6
        order = torch.inf if isinstance(threat, LinfBall) else 2
        assert projected.flatten(1).norm(order, dim=1).max() <= threat.eps * (1 + 1e-5)

    def test_a_run_goes_on_to_the_bit(self, threat, tmp_path):
        straight = task(threat)
        straight.solve(FGSM(step_size=threat.eps), device="cpu")
        task(threat).solve(FGSM(step_size=threat.eps), device="cpu", out=tmp_path, steps=5)
        rest = task(threat)
        rest.solve(FGSM(step_size=threat.eps), device="cpu", out=tmp_path, resume=True)
        assert torch.equal(rest.start.bytes, straight.start.bytes)
        assert straight.start.known.all()
        for one, other in zip(rest.classifier.parameters(), straight.classifier.parameters(), strict=True):
            assert torch.equal(one, other)

    def test_it_is_another_game_than_one_that_forgets(self, threat):
        forgetful, remembering = task(threat, remembers=False), task(threat)
        for game in (forgetful, remembering):
            game.solve(FGSM(step_size=threat.eps / 2), device="cpu")
        pairs = zip(forgetful.classifier.parameters(), remembering.classifier.parameters(), strict=True)
        assert any(not torch.equal(one, other) for one, other in pairs)
