"""A run is resumed as the run that it was, or refused in a sentence that names what is another."""

import json
from functools import partial

import pytest
import torch
from folders import files
from specimens import Through
from torch import nn
from torch.nn.functional import cross_entropy

from minimax_l2l import (
    FGSM,
    BestWeights,
    DamagedRunError,
    LearnedOptimizer,
    LinfBall,
    MLPUpdater,
    RunFolder,
    Task,
    WeightAverage,
)
from tasks.adversarial import AdversarialTraining, UniformStart, WeightPerturbation

ATTACK = FGSM(step_size=0.1)
LEVELS = torch.randint(0, 256, (32, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(32) % 4


def net(*, rate=0.5, activation=nn.ReLU, frozen=()):
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), activation(), nn.Dropout(rate), nn.Linear(4, 4))
    for place in frozen:
        network[place].requires_grad_(False)
    return network


def task(network=None, **options):
    held_out = LEVELS[:8], LABELS[:8]
    options = {"epochs": 2, "batch_size": 16, "validation": held_out, **options}
    return AdversarialTraining(network or net(), (LEVELS, LABELS), LinfBall(0.1), **options)


def play(game, folder, *hooks, **options):
    return game.solve(ATTACK, device="cpu", out=folder, hooks=[make(game) for make in hooks], **options)


def test_the_same_game_goes_on(tmp_path):
    def game():
        return task(loss=scaled(1.0), augment=partial(darker, by=0.5), start=UniformStart(0.1))

    play(game(), tmp_path, average, WeightPerturbation, steps=2)
    assert play(game(), tmp_path, average, WeightPerturbation, resume=True).steps == 4


def scaled(factor):
    def loss(logits, labels):
        return factor * cross_entropy(logits, labels, reduction="none")

    return loss


def weighed(weights):
    return lambda logits, labels: cross_entropy(logits, labels, weights, reduction="none")


def with_default(factor):
    return lambda images, factor=factor: factor * images


def darker(images, by):
    return by * images


class Contrast:
    def __init__(self, factor):
        self.factor = factor

    def change(self, images):
        return self.factor * images


def average(_):
    return WeightAverage(0.9)


PLAIN = partial(cross_entropy, reduction="none")
SMOOTHED = partial(PLAIN, label_smoothing=0.1)
GAMES = [
    ({"remembers": True}, {}, r"task\.remembers=True, not False"),
    ({}, {"remembers": True}, r"task\.remembers=False, not True"),
    ({"start": UniformStart(0.1)}, {}, r"task\.start=UniformStart\(radius=0.1.*\), not None"),
    ({"start": UniformStart(0.1)}, {"start": UniformStart(0.05)}, r"task\.start\.radius=0.1, not 0.05"),
    ({}, {"validation": (LEVELS[8:16], LABELS[:8])}, r"other values in task\.validation\.sha256: the data differ"),
    ({}, {"validation": (LEVELS[:8], LABELS[8:16].flip(0))}, r"other values in task\.validation\.sha256"),
    ({}, {"validation": None}, r"task\.validation=Images\(\), not None"),
    ({}, {"validation_images": 4}, r"task\.validation_images=500, not 4"),
    ({"loss": scaled(1.0)}, {"loss": scaled(2.0)}, r"task\.loss\.factor=1.0, not 2.0"),
    ({"loss": weighed(torch.ones(4))}, {"loss": weighed(torch.rand(4))}, r"other values in task\.loss\.weights"),
    ({"loss": PLAIN}, {"loss": SMOOTHED}, r"task\.loss\.label_smoothing=None, not 0.1"),
    ({"loss": SMOOTHED}, {"loss": PLAIN}, r"task\.loss\.label_smoothing=0.1, not None"),
    ({"augment": with_default(0.5)}, {"augment": with_default(0.25)}, r"task\.augment\.factor=0.5, not 0.25"),
    (
        {"augment": partial(darker, by=0.5)},
        {"augment": partial(darker, by=0.25)},
        r"task\.augment\.by=0.5, not 0.25",
    ),
    (
        {"augment": partial(torch.mul, torch.tensor(0.5))},
        {"augment": partial(torch.mul, torch.tensor(0.25))},
        r"other values in task\.augment\.arguments\[0\]",
    ),
    (
        {"augment": Contrast(0.5).change},
        {"augment": Contrast(0.25).change},
        r"task\.augment\.of\.factor=0.5, not 0.25",
    ),
]


@pytest.mark.parametrize(("then", "now", "named"), GAMES, ids=[named for *_, named in GAMES])
def test_a_game_of_other_settings(then, now, named, tmp_path):
    play(task(**then), tmp_path, steps=2)
    before = files(tmp_path)
    with pytest.raises(ValueError, match=f"was run with {named}.*; resume it with"):
        play(task(**now), tmp_path, resume=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("then", "now", "named"),
    [
        ({}, {"rate": 0.2}, r"layers\.3='Dropout\(p=0.5, inplace=False\)', not 'Dropout\(p=0.2, inplace=False\)'"),
        ({}, {"activation": nn.SiLU}, r"layers\.2='ReLU\(inplace=False\)', not 'SiLU\(inplace=False\)'"),
        ({}, {"activation": lambda: nn.LeakyReLU(0.2)}, r"layers\.2='ReLU.*', not 'LeakyReLU\(negative_slope=0.2"),
        (
            {},
            {"frozen": [1]},
            r"layers\.1='Linear\(.*=4\)', not 'Linear\(in_features=16, out_features=4, frozen\)'",
        ),
        ({"frozen": [4]}, {}, r"layers\.4='Linear\(.*, frozen\)', not 'Linear\(in_features=4, out_features=4\)'"),
    ],
)
def test_a_network_of_other_layers(then, now, named, tmp_path):
    play(task(net(**then)), tmp_path, steps=2)
    with pytest.raises(ValueError, match=rf"was run with task\.classifier\.{named}"):
        play(task(net(**now)), tmp_path, resume=True)


def in_double(*layers):
    network = net()
    for place in layers:
        network[place].double()
    return network


class Casting(nn.Module):
    """Each layer in the precision of its weights."""

    def __init__(self, *layers):
        super().__init__()
        self.inside = in_double(*layers)

    def forward(self, images):
        for layer in self.inside:
            weight = getattr(layer, "weight", None)
            images = layer(images if weight is None else images.to(weight.dtype))
        return images.float()


@pytest.mark.parametrize(
    ("then", "now", "named"),
    [
        (net, lambda: net().double(), r"weights='\d+ in \w+', not '\d+ in \w+ of torch\.float64'"),
        (lambda: net().double(), net, r"weights='\d+ in \w+ of torch\.float64', not '\d+ in \w+'"),
        (Casting, lambda: Casting(4), r"weights='\d+ in \w+', not '\d+ in \w+ of torch\.float64'"),
        (
            lambda: Casting(1),
            lambda: Casting(4),
            r"weights='\d+ in \w+ of torch\.float64', not '\d+ in \w+ of torc",
        ),
    ],
)
def test_a_network_in_another_precision(then, now, named, tmp_path):
    play(task(then()), tmp_path, steps=2)
    before = files(tmp_path)
    with pytest.raises(ValueError, match=rf"was run with task\.classifier\.{named}"):
        play(task(now()), tmp_path, resume=True)
    assert files(tmp_path) == before
    assert play(task(then()), tmp_path, resume=True).steps == 4


HOOKS = [
    ([average], [], r"hooks=\[WeightAverage\(decay=0.9.*\], not \[\]"),
    ([], [average], r"hooks=\[\], not \[WeightAverage\(decay=0.9"),
    ([average], [lambda _: WeightAverage(0.5)], r"hooks\[0\]\.decay=0.9, not 0.5"),
    (
        [average, WeightPerturbation],
        [WeightPerturbation, average],
        r"hooks\[0\]\.class='WeightAverage', not 'Weight",
    ),
    ([WeightPerturbation], [lambda game: WeightPerturbation(game, 0.01)], r"hooks\[0\]\.gamma=0.005, not 0.01"),
]


@pytest.mark.parametrize(("then", "now", "named"), HOOKS, ids=[named for *_, named in HOOKS])
def test_other_hooks(then, now, named, tmp_path):
    play(task(), tmp_path, *then, steps=2)
    with pytest.raises(ValueError, match=f"was run with {named}"):
        play(task(), tmp_path, *now, resume=True)


@pytest.mark.parametrize(("then", "now"), [("32-true", "bf16-mixed"), ("bf16-mixed", "32-true")])
@pytest.mark.filterwarnings("ignore")
def test_another_precision(then, now, tmp_path):
    play(task(), tmp_path, steps=2, precision=then)
    with pytest.raises(ValueError, match=f"was run with precision='{then}', not '{now}'"):
        play(task(), tmp_path, resume=True, precision=now)


class Tended(Task):
    """Theta bears another name than the constructor's argument; batches come as they are given."""

    def __init__(self, network, give):
        self.outer, self._give = network, give

    def batches(self):
        return self._give()

    def inner_problem(self, batch):
        return Through(self.outer, batch)


class Noisy(nn.Module):
    def __init__(self, noise=0.0, activation=torch.tanh):
        super().__init__()
        self.noise, self.activation, self.inside = noise, activation, nn.Linear(2, 1)
        self.inside.bias.requires_grad_(noise < 2)

    def forward(self, x):
        return self.activation(self.inside(x)) + self.noise


@pytest.mark.parametrize(
    ("now", "named"),
    [
        (
            {"noise": 1.0},
            r"outer\.0\.noise=0.0, not 1.0|outer\.layers\.0='Noisy\(noise=0.0.*', not 'Noisy\(noise=1.0",
        ),
        ({"noise": 2.0}, r"outer\.layers\.0"),
        ({"activation": torch.sin}, r"outer\.layers\.0='Noisy\(.*activation=.*tanh\)', not 'Noisy\(.*sin\)'"),
    ],
)
def test_a_theta_that_the_constructor_calls_by_another_name(now, named, tmp_path):
    def give():
        return [torch.ones(4, 2)] * 4

    Tended(nn.Sequential(Noisy()), give).solve(ATTACK, device="cpu", out=tmp_path, steps=2)
    with pytest.raises(ValueError, match=f"was run with (?:{named})"):
        Tended(nn.Sequential(Noisy(**now)), give).solve(ATTACK, device="cpu", out=tmp_path, resume=True)


def test_a_run_that_told_less_of_itself_goes_on(tmp_path):
    """What an earlier version did not store is not compared."""
    settings = {"loss": scaled(1.0), "augment": partial(torch.mul, torch.tensor(0.5))}
    play(task(**settings), tmp_path, average, steps=2)
    config = RunFolder(tmp_path).read_json("config.json")
    game = config["game"]
    for name in ("hooks", "precision"):
        del game[name]
    for name in ("validation", "validation_images", "remembers"):
        del game["task"][name]
    for part in (game["task"]["classifier"], game["optimizer"]):
        del part["layers"]
    del game["task"]["augment"]["arguments"]
    game["task"]["loss"] = game["task"]["loss"]["function"]
    RunFolder(tmp_path).write_json("config.json", json.loads(json.dumps(config)))
    with pytest.raises(DamagedRunError, match="it has 1 hooks, 0 were given"):
        play(task(**settings), tmp_path, resume=True)
    assert play(task(**settings), tmp_path, average, resume=True).steps == 4


class TestBatches:
    @staticmethod
    def solve(give, folder, **options):
        return Tended(nn.Linear(2, 1), give).solve(ATTACK, device="cpu", out=folder, **options)

    @pytest.mark.parametrize(
        "kept", [iter, lambda batches: (one for one in batches), lambda batches: map(abs, batches)]
    )
    def test_an_iterator_that_is_kept_cannot_begin_anew(self, kept, tmp_path):
        iterator = kept([torch.ones(4, 2)] * 6)
        self.solve(lambda: iterator, tmp_path, steps=2)
        with pytest.raises(
            ValueError, match=r"batches\(\) of Tended returned the same \w+ twice, .* return a list, or"
        ):
            self.solve(lambda: iterator, tmp_path, resume=True)

    @pytest.mark.parametrize("give", [list, tuple, iter, lambda batches: (one for one in batches)])
    def test_fewer_batches_than_steps_that_were_taken(self, give, tmp_path):
        batches = [torch.ones(4, 2)] * 4
        self.solve(lambda: give(batches), tmp_path, steps=3)
        with pytest.raises(
            ValueError, match=r"has taken 3 steps, and batches\(\) of Tended has 2 batches; resume it"
        ):
            self.solve(lambda: give(batches[:2]), tmp_path, resume=True)
        assert self.solve(lambda: give(batches), tmp_path, resume=True).steps == 4


@pytest.mark.parametrize("name", ["model/model.safetensors", "average/model.safetensors", "optimizer/config.json"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_run_that_has_ended_looks_at_what_it_came_to(name, damage, tmp_path):
    def solve(**options):
        game, phi = Tended(nn.Linear(2, 1), lambda: [torch.ones(4, 2)] * 2), LearnedOptimizer(MLPUpdater())
        return game.solve(phi, device="cpu", out=tmp_path, hooks=[WeightAverage(0.9)], **options)

    solve()
    file = tmp_path / name
    whole = file.read_bytes()
    if damage == "cut":
        file.write_bytes(whole[:-1])
    else:
        file.unlink()
    said = "is not as this run wrote it" if damage == "cut" else "is gone, which this run has written"
    with pytest.raises(DamagedRunError, match=f"{file.name} {said}"):
        solve(resume=True)
    file.write_bytes(whole)
    assert solve(resume=True).steps == 2


def test_a_hook_that_keeps_the_best_so_far_is_told_without_it(tmp_path):
    def best(_):
        return BestWeights("validation_clean")

    play(task(), tmp_path, best, steps=2, validate_every=1)
    assert play(task(), tmp_path, best, resume=True, validate_every=1).steps == 4


def test_a_network_whose_code_has_changed_goes_on_with_a_warning(tmp_path):
    def scaling(by):
        forward = {2: lambda self, x: 2 * x, 3: lambda self, x: 3 * x}[by]
        part = type("Scaling", (nn.Module,), {"__module__": __name__, "forward": forward})
        return nn.Sequential(net(), part())

    play(task(scaling(2)), tmp_path, steps=2)
    play(task(scaling(2)), tmp_path, steps=3, resume=True)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.warns(UserWarning, match=r"now Scaling has other code \(Scaling\.forward\); bring back the code"):
        assert play(task(scaling(3)), tmp_path, resume=True).steps == 4
    assert (tmp_path / "config.json").read_bytes() == before
