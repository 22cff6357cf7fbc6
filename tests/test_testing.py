"""The contracts hold for every piece of the library, and each of their laws catches what breaks it."""

import copy
import math
from itertools import count

import pytest
import torch
from specimens import Linear, Quadratic, Through, random_images, small_classifier
from torch import nn

from minimax_l2l import (
    FGSM,
    LBFGS,
    PGM,
    Adam,
    AlternatingAscent,
    AnchoredExtraGradient,
    AndersonMixing,
    Box,
    CNNUpdater,
    CompetitiveGradient,
    ConsensusOptimization,
    DenseMLPUpdater,
    ExtraGradient,
    GradientAscent,
    GradientFeatures,
    InnerOptimizer,
    InnerProblem,
    IterateFeatures,
    KBeam,
    L2Ball,
    LearnedFGSM,
    LearnedOptimizer,
    LinfBall,
    LogSignFeatures,
    Lookahead,
    Losses,
    LowRankUpdater,
    MLPUpdater,
    OptimisticAscent,
    Oracle,
    Passes,
    PastExtraGradient,
    Product,
    RNNUpdater,
    RowUpdater,
    Safeguarded,
    Simplex,
    SymplecticAdjustment,
    Task,
    TwoTimeScales,
    Updater,
)
from minimax_l2l.constraints.free import Free
from minimax_l2l.testing import ContractViolation, check_game, check_optimizer, check_problem, check_updater
from minimax_l2l.testing.probes import moved_most
from minimax_l2l.trees import leaves
from tasks.adversarial import AdversarialTraining, PerturbationProblem
from tasks.games import SUITE, BilinearGame, LimitCycle

WEIGHTS = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.1, 0.4, 0.1], [0.3, 0.3, 0.2, 0.2]])
CENTRE = torch.tensor([[-1.0, 0.5], [0.2, 2.0], [1.5, -0.3]])


def perturbations(threat=None, **options):
    torch.manual_seed(1)
    images = random_images().train.first(4)
    net = small_classifier()
    return PerturbationProblem(net, images.images, images.labels, threat or LinfBall(0.1), **options)


def bilinear_game(**options):
    a, p, q = torch.tensor([1.0, 0.5, 2.0]), torch.tensor([0.3, -1.0, 0.0]), torch.tensor([-0.2, 0.4, 1.0])
    game = BilinearGame(a, p, q, (torch.tensor([[1.0], [0.0], [2.0]]), torch.tensor([[0.5], [-1.0], [0.1]])))
    for name, value in options.items():
        setattr(game, name, value)
    return game


PROBLEMS = {
    "quadratic": lambda: Quadratic(CENTRE, torch.tensor([1.0, 3.0])),
    "quadratic in float64 on an L2 ball": lambda: Quadratic(CENTRE.double(), constraint=L2Ball(0.5)),
    "quadratic in a box": lambda: Quadratic(CENTRE, constraint=Box(-0.5, torch.tensor([0.3, 0.8]))),
    "quadratic on two sets": lambda: Quadratic(CENTRE, constraint=L2Ball(0.5) & Box(-0.4, 0.4)),
    "linear on an L_inf ball": lambda: Linear(CENTRE, constraint=LinfBall(0.3)),
    "quadratic on the simplex": lambda: Quadratic(WEIGHTS, start=torch.full((3, 4), 0.25), constraint=Simplex()),
    "scalars": lambda: Quadratic(CENTRE[:, :1]),
    "bilinear game": bilinear_game,
    "bilinear game in two sets": lambda: bilinear_game(constraint=Product(LinfBall(2.0), Box(-1.0, 1.0))),
    "perturbations, L_inf": perturbations,
    "perturbations, L2": lambda: perturbations(L2Ball(0.5)),
    "perturbations, batch statistics": lambda: perturbations(query_mode="train"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_keeps_its_contract(name):
    check_problem(PROBLEMS[name])


VECTORS, IMAGES = torch.linspace(-2, 2, 48).sin().view(4, 2, 6), torch.linspace(0, 9, 384).cos().view(3, 2, 1, 8, 8)
UPDATERS = {
    "wide": (CNNUpdater.wide(1, width=4), IMAGES),
    "published": (CNNUpdater.published(1, width=2), IMAGES),
    "slim": (CNNUpdater.slim(1, width=8), IMAGES),
    "residual": (CNNUpdater.residual(1, width=4), IMAGES),
    "light": (CNNUpdater.light(1, width=4), IMAGES),
    "light, image alone": (CNNUpdater.light(1, inputs=1, width=4), IMAGES[:, :1]),
    "RNN": (RNNUpdater(hidden=4), VECTORS),
    "RNN, gradient alone": (RNNUpdater(inputs=1, hidden=4, gain=0.3), VECTORS[:, :1]),
    "MLP": (MLPUpdater(), VECTORS),
    "MLP without hidden layers": (MLPUpdater(hidden=()), VECTORS),
    "MLP on images": (MLPUpdater(), IMAGES),
    "dense MLP": (DenseMLPUpdater(6), VECTORS),
    "dense MLP, the paper's start": (DenseMLPUpdater(6, zero_head=False, fan_in_scaling=False), VECTORS),
    "dense MLP, streaming": (DenseMLPUpdater(6, streaming=True), VECTORS),
    "dense MLP on images, streaming": (DenseMLPUpdater(64, streaming=True), IMAGES),
    "rows": (RowUpdater(((2, 1), (1, 1))), VECTORS),
    "low rank": (LowRankUpdater(6, rank=2), VECTORS),
}


@pytest.mark.parametrize("name", UPDATERS)
def test_every_updater_keeps_its_contract(name):
    check_updater(*UPDATERS[name])


HAND_DESIGNED = {
    "nothing": GradientAscent(steps=0),
    "gradient ascent": GradientAscent(steps=3, step_size=0.1),
    "alternating ascent": AlternatingAscent(steps=2, step_size=0.1, random_start=0.5),
    "extragradient": ExtraGradient(steps=2, step_size=0.1),
    "Adam": Adam(lr=0.1, steps=3),
    "FGSM": FGSM(step_size=0.1),
    "PGM": PGM(steps=3, step_size=0.05),
    "PGM, restarts and momentum": PGM(steps=3, step_size=0.05, restarts=2, momentum=0.5),
    "L-BFGS": LBFGS(steps=2, step_size=0.1, random_start=0.5),
}
FOR_GAMES = {
    "optimistic": OptimisticAscent(steps=3, step_size=0.1),
    "past extragradient": PastExtraGradient(steps=3, step_size=0.1),
    "anchored extragradient": AnchoredExtraGradient(steps=2, step_size=0.1),
    "consensus": ConsensusOptimization(steps=2, step_size=0.1),
    "symplectic adjustment": SymplecticAdjustment(steps=2, step_size=0.1),
    "Anderson mixing": AndersonMixing(steps=4, step_size=0.1, memory=2),
    "lookahead": Lookahead(OptimisticAscent(steps=3, step_size=0.1), period=2),
    "safeguarded": Safeguarded(OptimisticAscent(steps=6, step_size=0.1), window=2),
}
OF_PAIRS = {
    "two time scales": TwoTimeScales(steps=2),
    "competitive": CompetitiveGradient(steps=2, step_size=0.1),
    "K-beam": KBeam(steps=2, step_size=0.1),
}
LEARNED = {
    "MLP": LearnedOptimizer(MLPUpdater(), steps=2),
    "safeguarded MLP": Safeguarded(LearnedOptimizer(MLPUpdater(), steps=4)),
    "RNN, projected lazily": LearnedOptimizer(RNNUpdater(), steps=2, lazy=True, random_start=0.5),
    "MLP, iterates detached": LearnedOptimizer(MLPUpdater(), steps=2, detach_iterates=True, random_start=0.5),
    "RNN, truncated": LearnedOptimizer(RNNUpdater(), steps=3, truncate=2),
    "RNN, relative, second order": LearnedOptimizer(
        RNNUpdater(inputs=1, gain=0.3),
        steps=3,
        features=GradientFeatures(iterate=False),
        second_order=True,
        relative=True,
        truncate=2,
    ),
    "MLP, largest entry": LearnedOptimizer(MLPUpdater(), steps=2, features=GradientFeatures("max")),
    "MLP, log and sign": LearnedOptimizer(MLPUpdater(3), steps=2, features=LogSignFeatures()),
}
ON_IMAGES = {
    "wide": LearnedOptimizer(CNNUpdater.wide(1, width=4), steps=2),
    "slim": LearnedOptimizer(CNNUpdater.slim(1, width=8), random_start=1.0),
    "light": LearnedOptimizer(CNNUpdater.light(1, width=4, gain=16.0), steps=2),
    "naive": LearnedOptimizer(CNNUpdater.light(1, 1, width=4), features=IterateFeatures()),
    "FGSM from a learned start": LearnedFGSM(CNNUpdater.residual(1, width=4), sign_step=0.1),
}


@pytest.mark.parametrize("problem", [lambda: Quadratic(CENTRE, start=CENTRE.flip(0)), bilinear_game])
def test_bounded_steps_keep_the_contract_away_from_zero(problem):
    check_optimizer(LearnedOptimizer(MLPUpdater(), steps=2, max_relative_step=0.1), problem)


def test_bounded_steps_break_it_at_zero():
    optimizer = LearnedOptimizer(MLPUpdater(), steps=2, max_relative_step=0.1)
    with (
        pytest.raises(ContractViolation, match="Phi's gradient is finite and not zero"),
        pytest.warns(UserWarning, match="y is zero, and max_relative_step lets no iterate leave zero"),
    ):
        check_optimizer(optimizer, PROBLEMS["quadratic"])


@pytest.mark.parametrize(
    "problem",
    ["quadratic in float64 on an L2 ball", "quadratic on the simplex", "linear on an L_inf ball", "bilinear game"],
)
@pytest.mark.parametrize("name", FOR_GAMES)
def test_every_optimizer_for_games_keeps_its_contract(name, problem):
    check_optimizer(FOR_GAMES[name], PROBLEMS[problem])


def test_products_with_the_slope_of_a_network_keep_the_contract():
    check_optimizer(FOR_GAMES["symplectic adjustment"], perturbations)


@pytest.mark.parametrize("problem", [name for name in PROBLEMS if "game" in name])
@pytest.mark.parametrize("name", OF_PAIRS)
def test_every_optimizer_of_pairs_keeps_its_contract_on_games(name, problem):
    check_optimizer(OF_PAIRS[name], PROBLEMS[problem])


FAMILIES = ["seesaw-1", "matrix-5-printed", "covariance-4", "ridge-3", "forsaken", "ratio-mixed", "diagonal-100"]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kind_of_game_keeps_its_contract(name):
    check_problem(lambda: SUITE[name].sample(3))


def test_a_game_of_which_the_field_alone_is_given_has_no_objective_to_climb():
    with pytest.raises(ContractViolation, match="raises the objective"):
        check_problem(lambda: SUITE["polar"].sample(3))


@pytest.mark.parametrize("name", [*OF_PAIRS, "optimistic", "Anderson mixing", "symplectic adjustment"])
def test_methods_keep_their_contract_on_constrained_games(name):
    check_optimizer({**FOR_GAMES, **OF_PAIRS}[name], lambda: SUITE["ratio-mixed"].sample(3))


@pytest.mark.parametrize("problem", [name for name in PROBLEMS if "batch statistics" not in name])
@pytest.mark.parametrize("name", [*HAND_DESIGNED, *LEARNED])
def test_every_optimizer_keeps_its_contract_on_every_problem(name, problem):
    optimizer = copy.deepcopy({**HAND_DESIGNED, **LEARNED}[name])
    compares_values = isinstance(optimizer, LBFGS) or getattr(optimizer, "restarts", 1) > 1
    if "bilinear game" in problem and compares_values:
        with pytest.raises(ValueError, match="one sign for the whole inner variable"):
            optimizer.maximize(PROBLEMS[problem]())
        return
    check_optimizer(optimizer.double() if "float64" in problem else optimizer, PROBLEMS[problem])


@pytest.mark.parametrize("threat", [LinfBall(0.1), L2Ball(0.5)])
@pytest.mark.parametrize("name", ON_IMAGES)
def test_every_attacker_keeps_its_contract_on_images(name, threat):
    check_optimizer(ON_IMAGES[name], lambda: perturbations(threat))


def adversarial_training(**options):
    net = small_classifier()
    return AdversarialTraining(net, random_images(), LinfBall(0.1), epochs=2, batch_size=8, **options)


class TradeOff(AdversarialTraining):
    """Theta descends the clean loss plus the objective, in the manner of TRADES."""

    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        return Losses(problem.objective(torch.zeros_like(y)).mean() + loss, loss)


GAMES = {
    "plain": (adversarial_training, lambda: GradientAscent(steps=0)),
    "PGM": (adversarial_training, lambda: PGM(steps=2, step_size=0.05)),
    "wide": (adversarial_training, lambda: LearnedOptimizer(CNNUpdater.wide(1, width=4))),
    "light": (
        adversarial_training,
        lambda: LearnedOptimizer(CNNUpdater.light(1, width=4), steps=2, random_start=0.5),
    ),
    "light, second order": (
        adversarial_training,
        lambda: LearnedOptimizer(CNNUpdater.light(1, width=4), steps=2, second_order=True),
    ),
    "naive": (
        adversarial_training,
        lambda: LearnedOptimizer(CNNUpdater.light(1, 1, width=4), features=IterateFeatures()),
    ),
    "remembered starts, batch statistics": (
        lambda: adversarial_training(remembers=True, query_mode="train"),
        lambda: LearnedOptimizer(CNNUpdater.light(1, width=4)),
    ),
    "phi learns on every third batch": (
        adversarial_training,
        lambda: LearnedFGSM(CNNUpdater.residual(1, width=4), sign_step=0.1, learns_every=3),
    ),
    "another outer loss": (
        lambda: TradeOff(small_classifier(), random_images(), LinfBall(0.1), epochs=2, batch_size=8),
        lambda: LearnedOptimizer(CNNUpdater.light(1, width=4)),
    ),
    "limit cycle": (lambda: LimitCycle(games=8, iterations=4), lambda: LimitCycle.learned_optimizer(steps=16)),
    "limit cycle by hand": (lambda: LimitCycle(games=8, iterations=4), lambda: GradientAscent(steps=2)),
}


@pytest.mark.parametrize("name", GAMES)
def test_every_game_keeps_its_contract(name):
    check_game(*GAMES[name])


def test_checks_leave_the_global_random_state_alone():
    before = torch.get_rng_state()
    check_problem(bilinear_game)
    check_updater(*UPDATERS["MLP"])
    check_optimizer(LEARNED["MLP"], bilinear_game)
    check_game(*GAMES["limit cycle by hand"])
    assert torch.equal(before, torch.get_rng_state())


def test_checks_leave_updater_and_optimizer_as_they_were():
    optimizer = LearnedOptimizer(CNNUpdater.wide(1, width=4))
    before = {name: value.clone() for name, value in optimizer.state_dict().items()}
    check_updater(optimizer.updater, IMAGES)
    check_optimizer(optimizer, perturbations)
    assert all(torch.equal(value, before[name]) for name, value in optimizer.state_dict().items())
    assert optimizer.training


# Problems that break a law.


class Backwards(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a factor that it should not have."""

    @staticmethod
    def forward(ctx, y, factor):
        ctx.factor = factor
        return y.clone()

    @staticmethod
    def backward(ctx, gradient):
        return ctx.factor * gradient, None


class Scaled(Quadratic):
    factor = 1.0

    def objective(self, y):
        return super().objective(Backwards.apply(y, self.factor))


class Coupled(Quadratic):
    def objective(self, y):
        values = super().objective(y)
        return values - values.mean()


class Anonymous(Through):
    """A module in training mode that the problem does not name, so that queries cannot put it to rest."""

    def __init__(self, module, start):
        super().__init__(module, start)
        self.hidden, self.module = module.train(), None

    def objective(self, y):
        return self.hidden(y).sum(1)


class Reduced(Quadratic):
    def objective(self, y):
        return super().objective(y).mean()


class Undefined(Quadratic):
    def objective(self, y):
        return super().objective(y).log()


class Unprojected(LinfBall):
    def project(self, y):
        return y


class Loose(LinfBall):
    """Projects what is near and lets go of what is far."""

    def project(self, y):
        return torch.where(y.abs() < 1, super().project(y), y)


class Shrinking(LinfBall):
    def project(self, y):
        return 0.5 * super().project(y)


class Meddling(Through):
    """Does something to theta's module at each query."""

    def __init__(self, meddle):
        super().__init__(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), CENTRE)
        self.meddle = meddle

    def objective(self, y):
        values = super().objective(y)
        self.meddle(self.module)
        return values


class Counting(Quadratic):
    def objective(self, y):
        self.passes.add(forward=1)
        return super().objective(y)


class Forgetful(Quadratic):
    @property
    def passes(self):
        return Passes()

    @passes.setter
    def passes(self, counter):
        pass


def changed(problem, **attributes):
    for name, value in attributes.items():
        setattr(problem, name, value)
    return problem


def backward(module):
    with torch.enable_grad():
        module[0].weight.square().sum().backward()


def drift(module):
    module[0].weight.data.add_(1e-7)


@torch.no_grad()
def count_queries(module):
    module[1].num_batches_tracked.add_(1)


BROKEN_PROBLEMS = {
    "a start with a graph": (lambda: Quadratic(CENTRE, start=CENTRE.clone().requires_grad_()), "is a constant"),
    "a start outside": (
        lambda: Quadratic(CENTRE, start=CENTRE, constraint=Unprojected(0.3)),
        "A projected start is feasible",
    ),
    "far points outside": (lambda: Quadratic(CENTRE, constraint=Loose(0.3)), "A projected point is feasible"),
    "a projection that goes on": (lambda: Quadratic(CENTRE, constraint=Shrinking(0.3)), "leaves it where it is"),
    "a view of another shape": (lambda: changed(Quadratic(CENTRE), view=lambda y: y[:, :1]), r"view\(y\) has"),
    "noise below zero": (
        lambda: changed(Quadratic(CENTRE), noise=lambda y, draw=0: torch.randn_like(y)),
        r"noise\(y\) is uniform",
    ),
    "a mean": (lambda: Reduced(CENTRE), "one value an instance"),
    "a logarithm of minus something": (lambda: Undefined(CENTRE), "is finite"),
    "coupled values": (lambda: Coupled(CENTRE), "changing instance 0 moved the objective"),
    "BatchNorm in training mode": (
        lambda: Anonymous(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh()), CENTRE),
        "Instances are independent",
    ),
    "a sign that is a size": (lambda: changed(Quadratic(CENTRE), signs=0.5), "Signs are"),
    "a sign too many": (lambda: changed(bilinear_game(), signs=(1.0,)), "Signs are"),
    "a gradient reversed": (lambda: changed(Scaled(CENTRE), factor=-1.0), r"raises the objective.*in instances"),
    "a gradient four times too small": (lambda: changed(Scaled(CENTRE), factor=0.25), "at the rate"),
    "a count of its own": (lambda: Counting(CENTRE), "The passes of a value and of a gradient are counted"),
    "a counter that forgets": (lambda: Forgetful(CENTRE), "The passes of a value and of a gradient are counted"),
    "weights that move": (lambda: Meddling(drift), "it changed weights"),
    "statistics that move": (lambda: Meddling(count_queries), "it changed running statistics"),
}


def test_theta_is_a_constant_inside_a_query():
    with pytest.raises(RuntimeError, match="does not require grad"):
        check_problem(lambda: Meddling(backward))


@pytest.mark.parametrize("name", BROKEN_PROBLEMS)
def test_a_problem_that_breaks_a_law_is_caught(name):
    factory, sentence = BROKEN_PROBLEMS[name]
    with pytest.raises(ContractViolation, match=sentence):
        check_problem(factory)


class Weighted(InnerProblem):
    """y weighs what the module returns, once, twice, or for several samples an instance."""

    constraint = Simplex()

    def __init__(self, times=1, samples=3):
        torch.manual_seed(0)
        self.module, self.times = nn.Linear(2, 1), times
        self.inputs = torch.randn(2, samples, 2)

    def initial(self):
        return torch.full(self.inputs.shape[:2], 1 / self.inputs.shape[1])

    def losses(self):
        return self.module(self.inputs)[..., 0].square()

    def objective(self, y):
        return (y * sum(self.losses() for _ in range(self.times))).sum(1)


class Flat(Weighted):
    def losses(self):
        return self.module(self.inputs.flatten(0, 1))[:, 0].square().reshape(self.inputs.shape[:2])


class Half(Weighted):
    """One of two calls sees y."""

    def losses(self):
        return self.module(self.inputs)[..., 0].square() - self.module(self.inputs).detach().mean() ** 2


@pytest.mark.parametrize("problem", [Weighted(), Weighted(times=2), Weighted(samples=5), Flat(), Half()])
def test_a_problem_whose_y_does_not_go_through_theta_keeps_the_laws(problem):
    check_problem(lambda: problem)
    check_optimizer(GradientAscent(steps=2, step_size=0.1), lambda: problem)


def test_the_same_module_with_a_name_is_queried_at_rest():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh())
    check_problem(lambda: Through(module, CENTRE))


class Clumsy(Oracle):
    """An oracle that forgets one of its promises."""

    def value_and_gradient(self, y):
        values, gradient = super().value_and_gradient(y)
        return values, gradient.double()


class Careless(Oracle):
    def __exit__(self, *error):
        for number, part in enumerate(self.problem.module.modules()):
            part.training = number == 0
        for weight in self.problem.module.parameters():
            weight.requires_grad_(False)


@pytest.mark.parametrize(
    ("oracle", "sentence"),
    [(Clumsy, "shape, dtype and device of y"), (Careless, "train/eval modes and requires_grad flags")],
)
def test_an_oracle_that_breaks_a_law_is_caught(monkeypatch, oracle, sentence):
    monkeypatch.setattr("minimax_l2l.testing.problem.Oracle", oracle)
    with pytest.raises(ContractViolation, match=sentence):
        check_problem(lambda: Through(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), CENTRE))


# Updaters that break a law.


class Plain(Updater):
    """u = W a: nothing is wrong with it."""

    def __init__(self, inputs: int = 2):
        super().__init__()
        self.inputs = inputs
        self.head = nn.Linear(inputs, 1)

    def forward(self, features, state):
        return self.head(features.movedim(1, -1)).squeeze(-1), state


class Misshapen(Plain):
    def forward(self, features, state):
        return self.head(features.movedim(1, -1)), state


class Stateless(Plain):
    def forward(self, features, state):
        return super().forward(features, state)[0]


class Wider(Plain):
    def forward(self, features, state):
        update, state = super().forward(features, state)
        return update.double(), state


class BareState(Plain):
    def forward(self, features, _):
        update, _ = super().forward(features, ())
        return update, update


class Hoarding(Plain):
    def forward(self, features, state):
        update, _ = super().forward(features, ())
        return update + sum(part.mean() for part in state), (*state, update)


class Amnesiac(RNNUpdater):
    def forward(self, features, _):
        return super().forward(features, ())


class Dropping(RNNUpdater):
    def forward(self, features, state):
        update, after = super().forward(features, state)
        return update, () if state else after


class Mingling(Plain):
    def forward(self, features, state):
        update, state = super().forward(features, state)
        return update - update.mean(0), state


class Idle(Plain):
    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.ones(2))


class Cut(Plain):
    def forward(self, features, state):
        update, state = super().forward(features, state)
        return update.detach(), state


class Unkept(Plain):
    def __init__(self, factors: int = 2):
        super().__init__(factors)


class Inconstant(Plain):
    def __init__(self):
        super().__init__()
        self.number = next(_numbers)

    def forward(self, features, state):
        update, state = super().forward(features, state)
        return self.number * update, state


_numbers = count(1)
BROKEN_UPDATERS = {
    Stateless: r"returns two things.*, but it returned a Tensor; return \(update, \(\)\)",
    Misshapen: "shape of one feature",
    Wider: "dtype and device",
    BareState: "tuple of tensors",
    Hoarding: "a state like the one it was given",
    Dropping: "a state like the one it was given",
    Amnesiac: "A state changes what the updater does next",
    Mingling: "Instances are independent",
    Idle: "no gradient reaches unused",
    Cut: "no gradient reaches head.weight, head.bias",
    Unkept: "AttributeError.*keep each argument of the constructor under its own name",
    Inconstant: "gives another update",
}


@pytest.mark.parametrize("updater", BROKEN_UPDATERS)
def test_an_updater_that_breaks_a_law_is_caught(updater):
    with pytest.raises(ContractViolation, match=BROKEN_UPDATERS[updater]):
        check_updater(updater(), VECTORS)


def test_an_updater_of_ones_own_passes():
    check_updater(Plain(), VECTORS)


# Optimizers that break a law.


class Ascent(InnerOptimizer):
    """Three steps along the gradient, each open to one mistake."""

    def __init__(self):
        super().__init__(steps=3)

    def move(self, oracle, y):
        return y + 0.2 * oracle.gradient(y)

    def step(self, oracle, y, _):
        return oracle.problem.constraint.project(self.move(oracle, y)), (y,)


class Escaping(Ascent):
    def step(self, oracle, y, state):
        return self.move(oracle, y), state


class StartingOutside(Ascent):
    def start(self, problem, draw=0):
        return problem.initial() + 1


class Silent(Ascent):
    def maximize(self, problem, *, start=None, steps=None, observe=None):
        return super().maximize(problem)


class Hasty(Ascent):
    def maximize(self, problem, *, start=None, steps=None, observe=None):
        self.steps = 1
        return super().maximize(problem, observe=observe and (lambda k, y: observe(min(k, 0), y)))


class Widening(Ascent):
    def maximize(self, problem, *, start=None, steps=None, observe=None):
        end = super().maximize(problem, start=start, steps=steps, observe=observe)
        return end._replace(y=end.y.double())


class Moody(Ascent):
    def move(self, oracle, y):
        return y + next(_numbers) % 7 * 0.01 * oracle.gradient(y)


class Freeloading(Ascent):
    def move(self, oracle, y):
        oracle.problem.objective(y)
        return super().move(oracle, y)


class Secretive(Ascent):
    """Takes a gradient that nobody counts."""

    def move(self, oracle, y):
        point = y.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(oracle.problem.objective(point).sum(), point)
        return y + 0.2 * gradient


class Restless(Ascent):
    def begin_step(self, _, y, __):
        return y, ()


class Herding(Ascent):
    def move(self, oracle, y):
        gradient = oracle.gradient(y)
        return y + 0.2 * gradient / gradient.norm()


class Descending(Ascent):
    def move(self, oracle, y):
        return y - 0.2 * oracle.gradient(y)


class Redundant(Ascent):
    """Applies the problem's sign, which the oracle has applied already."""

    def move(self, oracle, y):
        return y + 0.2 * oracle.problem.signs * oracle.gradient(y)


class Blind(LearnedOptimizer):
    def step(self, oracle, y, state):
        moved, state = super().step(oracle, y, state)
        return moved.detach(), state


class Absent(LearnedOptimizer):
    """Drops its updater's state on the floor."""

    def step(self, oracle, y, state):
        moved, _ = super().step(oracle, y, state)
        return moved, state


def on_a_ball():
    torch.manual_seed(2)
    return Through(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), 0.1 * CENTRE, constraint=LinfBall(0.4))


BROKEN_OPTIMIZERS = {
    "no projection": (Escaping, r"y_\d violates LinfBall"),
    "a start outside": (StartingOutside, "y_0 violates"),
    "nothing to observe": (Silent, "shows its observer"),
    "too few steps": (Hasty, "shows its observer"),
    "another dtype": (Widening, "dtype and device of the start"),
    "a mood of its own": (Moody, "two runs from one seed differ"),
    "free values": (Freeloading, "Every query goes through"),
    "free gradients": (Secretive, "Every query goes through"),
    "state not handed on": (Restless, "the state that one step returns is not what the next step is given"),
    "updater's state dropped": (
        lambda: Absent(RNNUpdater(), steps=3),
        "the state that one updater returns",
    ),
    "a norm over the batch": (Herding, "starting instance 0 elsewhere moved instance"),
    "a norm over the batch, learned": (
        lambda: LearnedOptimizer(RNNUpdater(gain=0.1), features=GradientFeatures("batch-max")),
        "Instances are independent",
    ),
    "steps downhill": (Descending, "ends no lower than it started where the objective is linear"),
    "phi out of the graph": (lambda: Blind(MLPUpdater(), steps=2), "does not reach updater"),
    "steps that are all clamped": (
        lambda: LearnedOptimizer(RNNUpdater(gain=9.0), step_size=1e6),
        "Phi's gradient is finite and not zero",
    ),
}


@pytest.mark.parametrize("name", BROKEN_OPTIMIZERS)
def test_an_optimizer_that_breaks_a_law_is_caught(name):
    make, sentence = BROKEN_OPTIMIZERS[name]
    with pytest.raises(ContractViolation, match=sentence):
        check_optimizer(make(), on_a_ball)


def test_a_sign_that_is_applied_twice_is_caught():
    check_optimizer(Redundant(), PROBLEMS["quadratic"])
    with pytest.raises(ContractViolation, match=r"y_3 is lower than y_0 by 1.2"):
        check_optimizer(Redundant(), lambda: changed(Quadratic(CENTRE), signs=-1.0))


def test_moments_of_another_objective_are_no_steps_downhill():
    def remembering():
        moments = torch.tensor(9.0), -torch.ones_like(CENTRE), torch.ones_like(CENTRE)
        return changed(Quadratic(CENTRE), initial_state=lambda: moments)

    check_optimizer(Adam(lr=0.1, steps=2), remembering)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (
            lambda: check_problem(Quadratic(CENTRE)),
            "problem_factory must be .* fresh InnerProblem, got an object of type Quadratic",
        ),
        (lambda: check_problem(Quadratic), "got the class Quadratic; pass `lambda: ...`"),
        (lambda: check_optimizer(PGM, on_a_ball), "optimizer must be of type InnerOptimizer, got the class PGM"),
        (lambda: check_optimizer(Ascent, on_a_ball), "pass the object itself, not what makes one"),
        (
            lambda: check_optimizer(Ascent(), on_a_ball()),
            "problem_factory must be .*, got an object of type Through",
        ),
        (lambda: check_updater(MLPUpdater, VECTORS), "updater must be of type Updater, got the class MLPUpdater"),
        (lambda: check_updater(lambda: Plain(), VECTORS), "updater must be .*, got an object of type function"),
        (
            lambda: check_game(Regression(), Ascent),
            "task_factory must be .* fresh Task, got an object of type Regression",
        ),
        (
            lambda: check_game(Regression, Ascent()),
            "optimizer_factory must be .* InnerOptimizer, got an object of type Ascent",
        ),
        (lambda: check_game(Regression, PGM), "optimizer_factory must be .*, got the class PGM"),
    ],
)
def test_what_is_no_factory_is_refused(check, sentence):
    with pytest.raises(TypeError, match=sentence):
        check()


def test_moves_from_zero_are_told_plainly():
    start, moved = torch.zeros(3, 2), torch.tensor([[0.0, 0.0], [0.0, -0.25], [9.0, 9.0]])
    assert moved_most(start, moved, besides=2) == (1, math.inf, "by 0.25, where all was zero")
    assert moved_most(start, start, besides=0)[1] == 0
    assert moved_most(moved, 2 * moved, besides=2) == (1, 0.25 / 9, "by 0.0278 of its size")


def test_an_optimizer_of_ones_own_passes():
    check_optimizer(Ascent(), on_a_ball)


def test_second_derivatives_leak_theta_where_the_problem_does_not_name_it():
    module = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    optimizer = LearnedOptimizer(RNNUpdater(gain=0.1), second_order=True)
    with pytest.raises(ContractViolation, match=r"reaches tensors of theta of shapes \[\(3, 2\), \(3,\)\]"):
        check_optimizer(optimizer, lambda: Anonymous(module, CENTRE))


def test_second_derivatives_leak_theta_where_it_enters_before_the_objective():
    weights = nn.Parameter(CENTRE.clone())
    optimizer = LearnedOptimizer(RNNUpdater(gain=0.1), second_order=True)
    with pytest.raises(ContractViolation, match=r"reaches tensors of theta of shapes \[\(3, 2\)\]"):
        check_optimizer(optimizer, lambda: Linear(1.0 * weights))


# Games that break a law.


class Regression(Task):
    """min over theta of mean_i max over |d_i| <= 0.1 of |net(x_i + d_i)|^2: small, smooth, with BatchNorm."""

    iterations = 4

    def __init__(self):
        self.outer = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))

    def batches(self):
        generator = torch.Generator().manual_seed(1)
        for _ in range(self.iterations):
            yield torch.randn(6, 3, generator=generator)

    def inner_problem(self, batch):
        return Shifted(self.outer, batch)


class Shifted(Through):
    def __init__(self, module, batch):
        super().__init__(module, torch.zeros_like(batch), constraint=LinfBall(0.1))
        self.batch = batch

    def objective(self, y):
        return self.module(self.batch + y).square().sum(1)


class AllThePlayersOneWay(Regression):
    def losses(self, problem, y):
        return Losses(-problem.objective(y).mean(), problem.objective(y).mean())


def turned(optimizer):
    """It goes the other way than it says."""

    def turn(own, *_):
        for weight in (weight for group in own.param_groups for weight in group["params"]):
            weight.grad = -weight.grad if weight.grad is not None else None

    optimizer.register_step_pre_hook(turn)
    return optimizer


class ThetaAscends(Regression):
    def outer_optimizer(self):
        return turned(torch.optim.Adam(self.outer.parameters()))


class ThetaInTheStart(Regression):
    """A start that is computed from theta, which is no fault: its values are taken."""

    def inner_problem(self, batch):
        problem, start = super().inner_problem(batch), 0.01 * batch * self.outer[0].weight.mean()
        return changed(problem, initial=lambda: start)


class Leaning(Free):
    def __init__(self, way):
        self.way = way

    def project(self, y):
        return y + self.way


class ThetaInTheProjection(Regression):
    def inner_problem(self, batch):
        way = 0.01 * batch * self.outer[0].weight.mean()  # computed before theta is held constant
        return changed(super().inner_problem(batch), constraint=Leaning(way))


class AnotherMetaObjective(Regression):
    """Phi's number is not theta's, which is no fault."""

    def inner_problem(self, batch):
        problem = super().inner_problem(batch)
        return changed(problem, meta_objective=lambda y: 2 * problem.objective(y))


class Enmeshed(LearnedOptimizer):
    latest = None

    def __init__(self, updater, **options):
        super().__init__(updater, **options)
        Enmeshed.latest = self


class PhiBesidesTheEnd(Regression):
    def losses(self, problem, y):
        loss = problem.objective(y).mean()
        phi = sum(weight.sum() for weight in Enmeshed.latest.parameters())
        return Losses(loss + phi, loss)


class Nameless(Regression):
    def inner_problem(self, batch):
        problem = super().inner_problem(batch)
        module = problem.module
        return changed(problem, module=None, objective=lambda y: module(batch + y).square().sum(1))


class Peeking(Regression):
    def move_theta(self, problem, end):
        with torch.no_grad():
            return {"again": problem.objective(end.y).mean().item()}


class Wandering(Regression):
    """Starts with the same batch each time, and goes on with others."""

    def batches(self):
        for number in range(self.iterations):
            yield torch.linspace(-1, 1, 18).view(6, 3) * (1 if number == 0 else 1 / next(_numbers))


class MetaDescends(LearnedOptimizer):
    def meta_optimizer(self):
        return turned(torch.optim.Adam(self.parameters(), lr=self.learning_rate, maximize=True))


class Disconnected(LimitCycle):
    def inner_problem(self, batch):
        problem = super().inner_problem(batch)
        return changed(problem, meta_objective=lambda y: sum(leaf.detach()[:, 0] for leaf in leaves(y)))


BROKEN_GAMES = {
    "theta in the projection": (ThetaInTheProjection, LearnedOptimizer, "with y_K held fixed"),
    "phi besides y_K": (PhiBesidesTheEnd, Enmeshed, "a pass of its own"),
    "both pull the same way": (AllThePlayersOneWay, LearnedOptimizer, "want different things"),
    "theta ascends": (ThetaAscends, LearnedOptimizer, "A small step of theta lowers"),
    "phi descends": (Regression, MetaDescends, "A small step of phi raises"),
    "queries move statistics": (Nameless, LearnedOptimizer, "Gradient queries leave"),
    "statistics move twice": (Peeking, LearnedOptimizer, "once, in the outer pass"),
    "batches that wander": (Wandering, LearnedOptimizer, "The same seed gives the same game"),
}


@pytest.mark.parametrize("name", BROKEN_GAMES)
def test_a_game_that_breaks_a_law_is_caught(name):
    task, optimizer, sentence = BROKEN_GAMES[name]
    with pytest.raises(ContractViolation, match=sentence):
        check_game(task, lambda: optimizer(RNNUpdater(hidden=4, gain=0.3), steps=2))


@pytest.mark.parametrize("task", [AnotherMetaObjective, ThetaInTheStart])
def test_what_is_no_fault(task):
    check_game(task, lambda: LearnedOptimizer(RNNUpdater(hidden=4, gain=0.3), steps=2))


def test_a_meta_objective_without_a_graph_is_caught():
    with pytest.raises(ContractViolation, match="depends on phi through y_K"):
        check_game(
            lambda: Disconnected(games=4, iterations=4), lambda: LearnedOptimizer(RNNUpdater(gain=0.3), steps=2)
        )


@pytest.mark.parametrize(
    "optimizer", [lambda: PGM(steps=2, step_size=0.05), lambda: LearnedOptimizer(MLPUpdater())]
)
def test_a_game_of_ones_own_passes(optimizer):
    check_game(Regression, optimizer)
