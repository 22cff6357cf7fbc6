"""The learned optimizer: two steps worked out on paper, and phi's gradient against finite differences."""

from itertools import pairwise

import pytest
import torch
from specimens import Linear, Quadratic, Through
from torch import nn

from minimax_l2l import (
    Box,
    CNNUpdater,
    DenseMLPUpdater,
    Free,
    GradientFeatures,
    Intersection,
    IterateFeatures,
    L2Ball,
    LearnedOptimizer,
    LinfBall,
    MLPUpdater,
    Oracle,
    Passes,
    RNNUpdater,
    StreamingAdam,
)
from tasks.adversarial.threat import perturbations
from tasks.games import BilinearGame


def on_paper(**options):
    """Updates u = 1/2 y + 1/8 g + b on f(y) = -(y - 3)^2 from y_0 = 1: curvature 2, g = 2 (3 - y).

    g_0 = 4                  y_1 = 1 + 1/2 + 1/2 = 2
    g_1 = 2                  y_2 = 2 + 1 + 1/4 = 13/4
    df/dy_2 = 2 (3 - 13/4) = -1/2

    With w, v and b the coefficients of y, g and 1:  dy_1 = (y_0, g_0, 1) = (1, 4, 1)  and

    dy_2 = (1 + w) dy_1 + (y_1, g_1, 1) = 3/2 (1, 4, 1) + (2, 2, 1) = (7/2, 8, 5/2).

    Where the updater's view of y_1 is cut, w is missing:      (1, 4, 1) + (2, 2, 1) = (3, 6, 2).
    Where the first step is cut, its whole term is missing:    (2, 2, 1).
    Where g_1 is not a constant, - 2 v dy_1 is added:          (7/2, 8, 5/2) - 1/4 (1, 4, 1) = (13/4, 7, 9/4).
    """
    updater = MLPUpdater(inputs=2, hidden=())
    with torch.no_grad():
        updater.head.weight.copy_(torch.tensor([[0.5, 0.125]]))
    optimizer = LearnedOptimizer(updater, steps=2, features=GradientFeatures("none"), **options)
    problem = Quadratic(torch.tensor([[3.0]]), 2.0, start=torch.tensor([[1.0]]))
    walked = []
    y = optimizer.maximize(problem, observe=lambda _, y: walked.append(y.item())).y
    problem.objective(y).sum().backward()
    return walked, [*updater.head.weight.grad[0].tolist(), updater.head.bias.grad.item()]


@pytest.mark.parametrize(
    ("options", "derivative"),
    [
        ({}, [3.5, 8.0, 2.5]),
        ({"detach_iterates": True}, [3.0, 6.0, 2.0]),
        ({"truncate": 1}, [2.0, 2.0, 1.0]),
        ({"truncate": 2}, [3.5, 8.0, 2.5]),
        ({"second_order": True}, [3.25, 7.0, 2.25]),
    ],
)
def test_two_steps_on_a_quadratic_are_those_on_paper(options, derivative):
    walked, gradient = on_paper(**options)
    assert walked == [1.0, 2.0, 3.25]
    assert gradient == [-0.5 * part for part in derivative]


@pytest.mark.parametrize(
    ("lazy", "walked", "state"), [(False, [1.0, 1.5, 0.75, 1.5], []), (True, [1.0, 1.5, 1.25, 1.375], [1.375])]
)
def test_lazy_projection_goes_on_from_the_sum(lazy, walked, state):
    """Updates u = 3/4 g - 2 y on f(y) = -(y - 3)^2 with y <= 3/2, from y_0 = 1.

    u_0 = 3 - 2 = 1           s_1 = 2        y_1 = 3/2
    u_1 = 9/4 - 3 = -3/4      s_2 = 5/4      y_2 = 5/4, or 3/4 from y_1
    u_2 = 21/8 - 5/2 = 1/8    s_3 = 11/8     y_3 = 11/8; at 3/4 it is 27/8 - 3/2 = 15/8, to 21/8 and back to 3/2
    """
    updater = MLPUpdater(inputs=2, hidden=())
    with torch.no_grad():
        updater.head.weight.copy_(torch.tensor([[-2.0, 0.75]]))
    optimizer = LearnedOptimizer(updater, steps=3, features=GradientFeatures("none"), lazy=lazy)
    constraint = Intersection(Free(), Box(-9.0, 1.5))
    problem = Quadratic(torch.tensor([[3.0]]), 2.0, start=torch.tensor([[1.0]]), constraint=constraint)
    found = []
    end = optimizer.maximize(problem, observe=lambda _, y: found.append(y.item()))
    assert found == walked
    assert [part.item() for part in end.state] == state
    first = optimizer.maximize(problem, steps=1)
    assert torch.equal(optimizer.maximize(problem, start=first, steps=2).y, end.y)


def test_relative_updates_are_multiplied_by_the_gradients_size():
    """With u = 1/8 g / rms(g) = 1/8 sign(g), relative makes it 1/8 |g|: y_1 = 1 + 4/8, y_2 = 3/2 + 3/8."""
    updater = RNNUpdater(inputs=1, gain=0.125)
    optimizer = LearnedOptimizer(updater, steps=2, features=GradientFeatures(iterate=False), relative=True)
    problem = Quadratic(torch.tensor([[3.0]]), 2.0, start=torch.tensor([[1.0]]))
    assert optimizer.maximize(problem).y.item() == 1.875


def test_updates_are_squashed_scaled_and_projected():
    updater = RNNUpdater(gain=2.0)
    problem = Linear(torch.tensor([[3.0, -3.0]]), start=torch.tensor([[0.0, 0.4]]), constraint=LinfBall(0.5))
    moved = LearnedOptimizer(updater, step_size=0.6).maximize(problem).y
    step = 0.6 * 0.5 * torch.tensor(2.0).tanh().item()
    torch.testing.assert_close(moved, torch.tensor([[step, 0.4 - step]]))
    far = LearnedOptimizer(updater, steps=9, step_size=0.6).maximize(problem).y
    torch.testing.assert_close(far, torch.tensor([[0.5, -0.5]]))


@pytest.mark.parametrize("signs", [1, -1])
def test_steps_are_no_longer_than_a_share_of_the_iterate(signs):
    """On f = <(3, 4), y> with u = g and half steps, (1.5, 2) of length 2.5 from y of length 0.5 or 10."""
    start = torch.tensor([[0.3, -0.4], [6.0, 8.0]])
    problem = Linear(signs * torch.tensor([[3.0, 4.0], [3.0, 4.0]]), start=start)
    optimizer = LearnedOptimizer(
        RNNUpdater(gain=1.0), step_size=0.5, features=GradientFeatures("none"), max_relative_step=0.5
    )
    moved = optimizer.maximize(problem).y - start
    torch.testing.assert_close(moved, signs * torch.tensor([[0.15, 0.2], [1.5, 2.0]]))


def test_the_bound_is_on_all_leaves_together():
    x, y = torch.full((1, 1), 0.3), torch.full((1, 1), 0.4)
    ones = torch.ones(1)
    problem = BilinearGame(ones, 0 * ones, 0 * ones, (x, y))
    optimizer = LearnedOptimizer(RNNUpdater(gain=9.0), max_relative_step=0.1)
    moved = torch.cat(optimizer.maximize(problem).y, dim=1) - torch.cat([x, y], dim=1)
    torch.testing.assert_close(moved.norm(), torch.tensor(0.05))


def test_at_zero_there_is_no_bounded_step_and_no_nan():
    optimizer = learned(random_updater(MLPUpdater), max_relative_step=0.1)
    with pytest.warns(UserWarning, match="y is zero, and max_relative_step lets no iterate leave zero"):
        y = optimizer.maximize(Quadratic(CENTRE)).y
    assert not y.any()
    (y.sum() + 0 * y.square().sum()).backward()
    assert all(parameter.grad.isfinite().all() for parameter in optimizer.parameters())
    idle = LearnedOptimizer(MLPUpdater(), guided=False, max_relative_step=0.1)
    y = idle.maximize(Quadratic(CENTRE.float(), start=CENTRE.float())).y
    y.sum().backward()
    assert idle.updater.head.weight.grad.any()


@pytest.mark.parametrize("largest", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_phis_gradient_is_exact_through_the_bound(steps, largest):
    optimizer = learned(random_updater(MLPUpdater), steps=steps, max_relative_step=largest)
    problem = Linear(100 * CENTRE, start=0.1 * CENTRE.flip(0))
    assert_gradients_agree(phi_gradient(optimizer, problem), finite_differences(optimizer, problem))


def test_before_training_an_mlp_without_guide_stays_where_it_started():
    start = torch.randn(3, 4)
    optimizer = LearnedOptimizer(MLPUpdater(), guided=False, steps=3)
    assert torch.equal(optimizer.maximize(Quadratic(torch.randn(3, 4), start=start)).y, start)


# Phi's gradient against central differences, in float64.

CENTRE = torch.tensor([[0.5, -0.3, 0.8], [0.1, 0.9, -0.7]], dtype=torch.float64)
CONSTRAINTS = {"free": None, "L_inf": LinfBall(0.9), "L2": L2Ball(1.2), "box": Box(-0.8, 0.9)}


def random_updater(kind, **options):
    updater = kind(**{"hidden": (3, 2) if kind is MLPUpdater else 2, **options}).double()
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in updater.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return updater


def learned(updater, *, kind=LearnedOptimizer, guided=False, **options):
    return kind(updater, guided=guided, **options).double()


def phi_gradient(optimizer, problem):
    value = problem.objective(optimizer.maximize(problem).y).mean()
    return torch.autograd.grad(value, list(optimizer.parameters()))


@torch.no_grad()
def finite_differences(optimizer, problem, *, width=1e-6):
    """(J(phi + h e_i) - J(phi - h e_i)) / 2h for every entry i of phi."""

    def value():
        return problem.objective(optimizer.maximize(problem).y).mean().item()

    gradients = []
    for parameter in optimizer.parameters():
        slopes = []
        for entry in range(parameter.numel()):
            flat = parameter.view(-1)
            middle = flat[entry].item()
            flat[entry] = middle + width
            above = value()
            flat[entry] = middle - width
            below = value()
            flat[entry] = middle
            slopes.append((above - below) / (2 * width))
        gradients.append(torch.tensor(slopes, dtype=torch.float64).view_as(parameter))
    return gradients


def assert_gradients_agree(got, expected):
    assert max(part.abs().max() for part in expected) > 1e-3
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(("kind", "guided"), [(MLPUpdater, False), (RNNUpdater, False), (MLPUpdater, True)])
def test_phis_gradient_is_exact_where_gradients_are_constant(kind, guided, steps, constraint):
    """Of a linear objective g is the same everywhere, and the path through the iterates is all there is."""
    problem = Linear(CENTRE, start=0.1 * CENTRE.flip(0), constraint=CONSTRAINTS[constraint])
    optimizer = learned(random_updater(kind), guided=guided, steps=steps, step_size=0.3)
    assert_gradients_agree(phi_gradient(optimizer, problem), finite_differences(optimizer, problem))


@pytest.mark.parametrize(
    ("threat", "step_size"), [(LinfBall(0.3), 3.0), (L2Ball(0.4), 12.0), (L2Ball(0.4) & LinfBall(0.3), 12.0)]
)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_phis_gradient_is_exact_through_the_projection_on_pictures_in_a_ball(steps, threat, step_size):
    images = torch.tensor([[0.9, 0.4, 0.2], [0.3, 0.95, 0.6]], dtype=torch.float64)
    allowed = perturbations(images, threat)
    problem = Linear(CENTRE, start=0.1 * CENTRE.flip(0), constraint=allowed)
    optimizer = learned(random_updater(MLPUpdater), steps=steps, step_size=step_size)
    met = []
    optimizer.maximize(problem, observe=lambda _, y: met.append((allowed.violation(1.001 * y) > 0).any()))
    assert met[-1]  # a projection that has something to do
    assert_gradients_agree(phi_gradient(optimizer, problem), finite_differences(optimizer, problem))


class Recording(Oracle):
    """Keeps the gradients that it is asked for, or answers with those that another kept."""

    def __init__(self, problem, kept, *, replay):
        super().__init__(problem)
        self.kept, self.answers = kept, iter(list(kept)) if replay else None

    def gradient(self, y):
        if self.answers is not None:
            return next(self.answers)
        self.kept.append(super().gradient(y))
        return self.kept[-1]


class Replaying(LearnedOptimizer):
    """Walks again with the gradients of its first walk, whatever phi has become."""

    def oracle(self, problem):
        oracle = Recording(problem, self.kept, replay=self.replay)
        self.replay = True
        return oracle


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(("kind", "guided"), [(MLPUpdater, False), (RNNUpdater, False), (RNNUpdater, True)])
def test_phis_gradient_takes_inner_gradients_for_constants(kind, guided, steps):
    problem = Quadratic(CENTRE, torch.tensor([1.0, 3.0, 2.0], dtype=torch.float64), start=0.1 * CENTRE.flip(0))
    optimizer = learned(random_updater(kind), kind=Replaying, guided=guided, steps=steps, step_size=0.3)
    optimizer.kept, optimizer.replay = [], False
    got = phi_gradient(optimizer, problem)
    assert len(optimizer.kept) == steps
    assert_gradients_agree(got, finite_differences(optimizer, problem))


def through_a_network():
    torch.manual_seed(3)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).double().eval()
    return Through(module, 0.1 * CENTRE, constraint=LinfBall(0.9))


@pytest.mark.parametrize("options", [{}, {"relative": True}, {"guided": True}])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("kind", [MLPUpdater, RNNUpdater])
def test_with_second_derivatives_phis_gradient_is_the_whole_one(kind, steps, options):
    optimizer = learned(random_updater(kind), steps=steps, step_size=0.3, second_order=True, **options)
    problem = through_a_network()
    assert_gradients_agree(phi_gradient(optimizer, problem), finite_differences(optimizer, problem))


def test_without_second_derivatives_it_is_not():
    problem = through_a_network()
    first, second = (
        phi_gradient(learned(random_updater(MLPUpdater), steps=3, second_order=order), problem)
        for order in (False, True)
    )
    assert any(not torch.allclose(a, b, rtol=1e-2) for a, b in zip(first, second, strict=True))


def test_second_derivatives_through_a_game():
    ones = torch.ones(1, dtype=torch.float64)
    problem = BilinearGame(ones, 0 * ones, 0 * ones, (ones[:, None], -0.5 * ones[:, None]))
    optimizer = learned(
        random_updater(RNNUpdater, inputs=1, hidden=3),
        steps=3,
        features=GradientFeatures(iterate=False),
        second_order=True,
        relative=True,
    )
    got = phi_gradient(optimizer, problem)
    assert_gradients_agree(got, finite_differences(optimizer, problem))


# Where the graph goes.


def test_truncation_keeps_values_and_limits_the_graph():
    problem = Quadratic(CENTRE)
    updater = random_updater(RNNUpdater)
    whole, cut = (
        LearnedOptimizer(updater, steps=6, step_size=0.3, truncate=truncate).maximize(problem).y
        for truncate in (None, 2)
    )
    assert torch.equal(whole, cut)

    def nodes(y):
        seen, waiting = set(), [y.grad_fn]
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [below for below, _ in node.next_functions]
        return len(seen)

    assert nodes(cut) < nodes(whole) / 2


def test_the_updaters_state_is_carried_from_step_to_step():
    updater, given = RNNUpdater(), []
    updater.register_forward_hook(lambda _, inputs, outputs: given.append((inputs[1], outputs[1])))
    LearnedOptimizer(updater, steps=3).maximize(Quadratic(CENTRE.float()))
    assert given[0][0] == ()
    assert all(after[0] is before[1] for before, after in pairwise(given))


def test_features_without_gradients_cost_no_query():
    problem = Quadratic(torch.zeros(2, 1, 4, 4))
    LearnedOptimizer(CNNUpdater.light(1, 1, width=2), steps=3, features=IterateFeatures()).maximize(problem)
    assert problem.passes == Passes()


def test_each_step_costs_one_query():
    problem = Quadratic(CENTRE.float())
    LearnedOptimizer(MLPUpdater(), steps=3).maximize(problem)
    assert problem.passes == Passes(forward=3, input_gradient=3)


def test_meta_optimizer_ascends():
    optimizer = learned(random_updater(MLPUpdater), steps=2, learning_rate=1e-3, weight_decay=0.0)
    problem = Quadratic(CENTRE)
    adam = optimizer.meta_optimizer()
    values = []
    for _ in range(5):
        adam.zero_grad()
        value = problem.objective(optimizer.maximize(problem).y).mean()
        value.backward()
        adam.step()
        values.append(value.item())
    assert values == sorted(values)


def test_the_meta_optimizer_follows_the_updater():
    plain = LearnedOptimizer(MLPUpdater(), guided=False).meta_optimizer()
    dense = LearnedOptimizer(DenseMLPUpdater(3), guided=False, learning_rate=0.6).meta_optimizer()
    streaming = LearnedOptimizer(
        DenseMLPUpdater(3, streaming=True), guided=False, weight_decay=0.5
    ).meta_optimizer()
    assert (type(plain), len(plain.param_groups)) == (torch.optim.Adam, 1)
    assert (type(dense), type(streaming)) == (torch.optim.Adam, StreamingAdam)
    assert [group["lr"] for group in dense.param_groups] == pytest.approx([0.6 / 6, 0.6, 0.6 / 24, 0.6 / 12])
    assert all(group["maximize"] and group["weight_decay"] == 0.5 for group in streaming.param_groups)


def test_parameters_beside_the_updaters_learn_too():
    class Gained(LearnedOptimizer):
        def __init__(self, updater):
            super().__init__(updater)
            self.gain = nn.Parameter(torch.ones(()))

    optimizer = Gained(MLPUpdater())
    groups = optimizer.meta_optimizer().param_groups
    assert {parameter for group in groups for parameter in group["params"]} == set(optimizer.parameters())


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"max_relative_step": 0.0}, ValueError, "max_relative_step must be a finite number above 0"),
        (
            {"max_relative_step": "on"},
            TypeError,
            "a positive number, \"auto\" or None, got str 'on'; pass a fraction",
        ),
        ({"updater": nn.Linear(2, 1)}, TypeError, "updater must be an Updater, got Linear"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"step_size": 0.0}, ValueError, "step_size must be a finite number above 0"),
        ({"truncate": 0}, ValueError, "truncate must be at least 1"),
        ({"learning_rate": -1.0}, ValueError, "learning_rate must be a finite number above 0"),
        ({"clip_norm": 0.0}, ValueError, "clip_norm must be a finite number above 0"),
        ({"relative": True, "features": IterateFeatures()}, ValueError, "relative=True needs features that read"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, error, sentence):
    with pytest.raises(error, match=sentence):
        LearnedOptimizer(**{"updater": MLPUpdater(), **options})
