"""CPU and CUDA from the same code: no operation mixes devices.

On a machine without CUDA the proof has two halves. Fake CUDA tensors know their device and no values, and refuse to
be mixed as real ones do; but autograd's engine asks for the device's streams, so they go forward only. Real CPU
tensors go backward too, while everything made without naming a device lands elsewhere. Tests marked `cuda` play a
game where there is CUDA.
"""

import pytest
import torch
from specimens import random_images
from torch._subclasses.fake_tensor import FakeTensorMode

from minimax_l2l import (
    LBFGS,
    PGM,
    Box,
    CNNUpdater,
    DenseMLPUpdater,
    GradientFeatures,
    IterateFeatures,
    L2Ball,
    LearnedOptimizer,
    LinfBall,
    LogSignFeatures,
    LowRankUpdater,
    MLPUpdater,
    RNNUpdater,
    RowUpdater,
    Simplex,
    StreamingAdam,
)
from minimax_l2l.testing import check_game
from minimax_l2l.trees import leaves
from minimax_l2l.updaters.outer_product import OuterProduct
from tasks.adversarial import AdversarialTraining, SmallResNet, cross_entropy
from tasks.adversarial.batches import Batch
from tasks.games import BilinearGame, LimitCycle

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


CPU = torch.device("cpu")
DATA = random_images()


def gradients_on_paper(outputs, inputs, **_):
    """What autograd would return, as far as anyone can tell who sees no values."""
    assert {outputs.device} == {part.device for part in inputs}
    return tuple(torch.zeros_like(part) for part in inputs)


def gated_unit_on_paper(x, hidden, weight_x, weight_h, bias_x, bias_h):
    """torch.nn.GRUCell's definition, since its fused CUDA kernel has no fake of its own."""
    (reset, keep, new), (reset_h, keep_h, new_h) = (
        part.chunk(3, 1) for part in (x @ weight_x.T + bias_x, hidden @ weight_h.T + bias_h)
    )
    kept = (keep + keep_h).sigmoid()
    return (1 - kept) * (new + (reset + reset_h).sigmoid() * new_h).tanh() + kept * hidden


@pytest.fixture
def cuda_on_paper(monkeypatch):
    monkeypatch.setattr(torch.autograd, "grad", gradients_on_paper)
    monkeypatch.setattr(torch._VF, "gru_cell", gated_unit_on_paper)
    monkeypatch.setattr("tasks.adversarial.classifier.are_probabilities", lambda logits: False)  # reads values
    with FakeTensorMode():
        try:
            torch.zeros(2, device="cuda").uniform_()
        except RuntimeError as error:  # torch 2.6 built for CUDA asks for a driver even here
            if torch.cuda.is_available():
                raise
            pytest.skip(f"no CUDA on paper with this build of torch: {error}")
        yield torch.device("cuda", 0)


def adversarial_problem(device, **options):
    """The inner problem of a batch, as `Task.solve` makes it once everything is on the device."""
    with device:
        classifier = SmallResNet(classes=3, width=4)
        batch = Batch(torch.rand(8, 1, 8, 8), torch.randint(3, (8,)), torch.arange(8), step=3)
    return AdversarialTraining(classifier, DATA, LinfBall(0.1), **options).inner_problem(batch)


def bilinear_problem(device):
    with device:
        return BilinearGame(torch.rand(4), torch.rand(4), torch.rand(4), (torch.rand(4, 1), torch.rand(4, 1)))


def play(problem, optimizer, device):
    """The forward half of an iteration, after which everything is still where it was."""
    problem.watched = True  # as a run's are: nobody waits for the numbers of y_K
    y = optimizer.maximize(problem).y
    meta = problem.meta_objective(y)
    value = (problem.objective(y) if meta is None else meta).mean()
    assert {tensor.device for tensor in (value, *leaves(y), *optimizer.parameters())} == {device}
    return value


OPTIMIZERS = {
    "PGM": lambda: PGM(steps=2, step_size=0.05),
    "PGM with momentum": lambda: PGM(steps=2, step_size=0.05, momentum=0.9),
    "wide": lambda: LearnedOptimizer(CNNUpdater.wide(1, width=4)),
    "slim": lambda: LearnedOptimizer(CNNUpdater.slim(1, width=8)),
    "light": lambda: LearnedOptimizer(CNNUpdater.light(1, width=4), steps=2, random_start=1.0),
    "light, second order": lambda: LearnedOptimizer(CNNUpdater.light(1, width=4), steps=2, second_order=True),
    "naive": lambda: LearnedOptimizer(CNNUpdater.light(1, 1, width=4), features=IterateFeatures()),
    "RNN": lambda: LearnedOptimizer(RNNUpdater(hidden=4), steps=3, truncate=2),
    "MLP": lambda: LearnedOptimizer(MLPUpdater(), steps=2, features=GradientFeatures("max"), relative=True),
    "MLP, bounded": lambda: LearnedOptimizer(
        MLPUpdater(3), features=LogSignFeatures(), random_start=1.0, max_relative_step=0.1
    ),
    "rows": lambda: LearnedOptimizer(RowUpdater(((8, 7),)), steps=2),
    "low rank": lambda: LearnedOptimizer(LowRankUpdater(64, rank=2), steps=2),
    "dense": lambda: LearnedOptimizer(DenseMLPUpdater(64), steps=2),
    "dense, streaming": lambda: LearnedOptimizer(DenseMLPUpdater(64, streaming=True), steps=2),
}


QUERY_MODES = pytest.mark.parametrize("query_mode", ["eval", "train"])


@QUERY_MODES
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_adversarial_training_on_cuda_mixes_no_devices(name, query_mode, cuda_on_paper):
    with cuda_on_paper:
        optimizer = OPTIMIZERS[name]()
    play(adversarial_problem(cuda_on_paper, query_mode=query_mode), optimizer, cuda_on_paper)


def test_a_game_on_cuda_mixes_no_devices(cuda_on_paper):
    with cuda_on_paper:
        optimizer = LimitCycle.learned_optimizer(steps=16)
    play(bilinear_problem(cuda_on_paper), optimizer, cuda_on_paper)


@pytest.mark.parametrize("constraint", [Simplex(), L2Ball(0.5), LinfBall(0.5), Box(0.0, 1.0)])
def test_constraints_on_cuda_mix_no_devices(constraint, cuda_on_paper):
    with cuda_on_paper:
        y = torch.rand(4, 5)
    for operation in (constraint.project, constraint.squash, constraint.violation, constraint.sample):
        assert operation(y).device == cuda_on_paper


def test_an_objective_that_mixes_devices_is_caught(cuda_on_paper):
    problem = adversarial_problem(cuda_on_paper)
    problem.loss = lambda logits, labels: cross_entropy(logits, labels) + torch.zeros(len(labels))
    with pytest.raises(RuntimeError, match=r"devices.*cuda:0.*cpu"):
        play(problem, PGM(steps=1, step_size=0.05), cuda_on_paper)


def test_the_gated_unit_on_paper_is_the_real_one():
    cell, x, hidden = torch.nn.GRUCell(2, 3), torch.randn(4, 2), torch.randn(4, 3)
    on_paper = gated_unit_on_paper(x, hidden, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    torch.testing.assert_close(on_paper, cell(x, hidden))


def test_an_optimizer_left_behind_is_caught(cuda_on_paper):
    with pytest.raises(ValueError, match=r"y starts on cuda:0 and LearnedOptimizer is on cpu; move one of them"):
        play(adversarial_problem(cuda_on_paper), OPTIMIZERS["RNN"](), cuda_on_paper)


@QUERY_MODES
@pytest.mark.parametrize("name", [*OPTIMIZERS, "L-BFGS"])
def test_adversarial_training_makes_nothing_on_another_device(name, query_mode):
    problem = adversarial_problem(CPU, query_mode=query_mode)
    optimizer = LBFGS(steps=2, step_size=0.1) if name == "L-BFGS" else OPTIMIZERS[name]()
    with torch.device("meta"):
        play(problem, optimizer, CPU).backward()


def stream(device, updater):
    """A streaming step from gradients made by hand, since fake tensors do not go backward."""
    adam = StreamingAdam(updater.parameters(), weight_decay=1e-4, maximize=True)
    for _ in range(2):
        for weight in updater.parameters():
            with device:
                parts = [torch.rand(1, width) for width in weight.shape]
            weight.grad = OuterProduct(*parts) if weight.dim() == 2 else parts[0][0]
        torch.nn.utils.clip_grad_norm_(updater.parameters(), 1.0)
        adam.step()
    state = [value for moments in adam.state.values() for value in moments.values()]
    assert {tensor.device for tensor in (*state, *updater.parameters())} == {device}


def test_streaming_adam_on_cuda_mixes_no_devices(cuda_on_paper):
    with cuda_on_paper:
        updater = DenseMLPUpdater(6, streaming=True)
    stream(cuda_on_paper, updater)


def test_streaming_adam_makes_nothing_on_another_device():
    updater = DenseMLPUpdater(6, streaming=True)
    with torch.device("meta"):
        stream(CPU, updater)


def test_a_game_makes_nothing_on_another_device():
    problem, optimizer = bilinear_problem(CPU), LimitCycle.learned_optimizer(steps=16)
    with torch.device("meta"):
        play(problem, optimizer, CPU).backward()


@pytest.mark.parametrize(
    "constraint", [Simplex(), L2Ball(0.5) & Box(-0.1, 0.3), Box(torch.zeros(5), torch.ones(5))]
)
def test_constraints_make_nothing_on_another_device(constraint):
    y = torch.randn(4, 5)
    with torch.device("meta"):
        for operation in (constraint.project, constraint.squash, constraint.violation, constraint.sample):
            assert operation(y).device == CPU


def test_a_tensor_made_on_another_device_is_caught():
    problem = adversarial_problem(CPU)
    problem.loss = lambda logits, labels: cross_entropy(logits, labels) + torch.zeros(len(labels))
    with torch.device("meta"), pytest.raises(RuntimeError, match="device"):
        play(problem, PGM(steps=1, step_size=0.05), CPU)


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_game_is_played_on_cuda(name):
    torch.manual_seed(0)
    task = AdversarialTraining(SmallResNet(classes=3, width=4), DATA, LinfBall(0.1), epochs=2, batch_size=8)
    solution = task.solve(OPTIMIZERS[name](), device="cuda", log_every=1)
    devices = {weight.device.type for weight in (*solution.theta.parameters(), *solution.phi.parameters())}
    assert devices == {"cuda"}
    assert solution.steps == 6


@pytest.mark.cuda
@needs_cuda
def test_cuda_and_cpu_play_the_same_game():
    first = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        task = AdversarialTraining(SmallResNet(classes=3, width=4), DATA, LinfBall(0.1), epochs=2, batch_size=8)
        solution = task.solve(OPTIMIZERS["light"](), device=device, steps=2, log_every=1)
        first.append(solution.history[0]["objective"])
    assert first[0] == pytest.approx(first[1], rel=1e-2)


@pytest.mark.cuda
@needs_cuda
def test_streaming_on_cuda_is_autograd_and_adam():
    ends = []
    for streaming in (False, True):
        torch.manual_seed(0)
        updater = DenseMLPUpdater(40, zero_head=False, streaming=streaming).to("cuda")
        adam = (StreamingAdam if streaming else torch.optim.Adam)(updater.parameters(), weight_decay=1e-4)
        for _ in range(4):
            updater(torch.randn(1, 2, 40, device="cuda"), ())[0].square().sum().backward()
            adam.step()
            adam.zero_grad()
        ends.append(list(updater.parameters()))
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.cuda
@needs_cuda
def test_the_contract_of_a_game_holds_on_cuda():
    check_game(
        lambda: AdversarialTraining(SmallResNet(classes=3, width=4), DATA, LinfBall(0.1), epochs=2, batch_size=8),
        OPTIMIZERS["light"],
        device="cuda",
        tolerance=1e-5,
    )
