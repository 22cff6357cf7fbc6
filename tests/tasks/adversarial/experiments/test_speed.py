"""The benchmark of speed: the floor is the same game, rows are whole and kept; played small."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from minimax_l2l import PGM, L2Ball, LinfBall
from tasks.adversarial import Attack, SmallResNet
from tasks.adversarial.evaluation.cost import StepCost
from tasks.adversarial.experiments import speed, stepping
from tasks.adversarial.experiments.floor import bare_attack
from tasks.adversarial.experiments.timing import in_turns, peak_bytes
from tasks.adversarial.presets.methods import METHODS, TABLE

CPU = torch.device("cpu")
TINY = speed.Plan(steps={"wrn-10-2": (4, 2)}, attacks={"wrn-10-2": (4, 2)}, forms={}, growth={"small-cnn": (4, 1)})


@pytest.fixture
def images():
    return torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3


@pytest.fixture
def small(monkeypatch):
    """Networks that cost nothing."""

    def network(size, classes):
        return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(classes))

    def made(size, classes):
        network_ = network(size, classes)
        network_(torch.zeros(2, 3, size, size))
        return network_

    monkeypatch.setattr(stepping, "NETWORKS", dict.fromkeys(stepping.NETWORKS, made))


@pytest.mark.parametrize("threat", [LinfBall(0.1), L2Ball(0.4)], ids=["linf", "l2"])
def test_the_bare_attack_is_this_librarys(threat, images, monkeypatch):
    """From the clean images, where no pixel meets its bound: the two projections on an L2 ball differ there."""
    torch.manual_seed(0)
    network, (pixels, labels) = SmallResNet(classes=3, width=4).eval(), images
    pixels = 0.4 + 0.2 * pixels
    attack = Attack(PGM(steps=3, step_size=threat.eps / 4, random_start=0.0), threat)
    monkeypatch.setattr(torch, "rand_like", lambda like: torch.full_like(like, 0.5))
    for weight in network.parameters():
        weight.requires_grad_(False)
    torch.testing.assert_close(bare_attack(network, pixels, labels, threat, 3), attack(network, pixels, labels))


@pytest.mark.parametrize("steps", [0, 3])
def test_a_bare_step_makes_the_passes_of_ours(steps):
    """Counted where they are made: forwards of the network, and gradients of its weights."""
    setup = stepping.Setup("small-cnn", 4, CPU)
    ours, bare = stepping.Stepping(setup, "pgm-10" if steps else "plain", steps), setup.bare(steps)
    seen = {}
    for name, network in (("ours", ours.task.classifier), ("bare", bare.network)):
        seen[name] = []
        network.register_forward_hook(lambda one, *_, log=seen[name]: log.append(one.training))
    ours()
    bare()
    assert seen["ours"] == seen["bare"] == [False] * steps + [True]
    assert ours.counted() == {
        "forward_passes": steps + 1,
        "input_gradient_passes": steps + 1,
        "weight_gradient_passes": 1,
    }


def test_turns_take_each_work_equally_often_and_begin_with_another_one():
    order = []
    works = {name: (lambda name=name: order.append(name)) for name in "abc"}
    seconds = in_turns(works, 4, CPU, repeats=2)
    assert "".join(order) == "abc" + "aabbcc" + "bbccaa" + "ccaabb" + "aabbcc"
    assert {name: len(own) for name, own in seconds.items()} == dict.fromkeys("abc", 4)


def test_peak_memory_counts_what_lives_at_the_same_time():
    def work():
        first = torch.ones(1000)
        second = first + first
        del first
        return second * second

    assert peak_bytes(work, CPU) == pytest.approx(8000, abs=100)


def test_rows_are_whole_and_kept(tmp_path, small, monkeypatch):
    told, threads, few = [], torch.get_num_threads(), ("plain", "remembered-grad-l2l")
    monkeypatch.setattr(speed, "METHODS", {name: METHODS[name] for name in few})
    monkeypatch.setattr(speed, "peak_bytes", lambda work, device: 1)  # a test of its own
    monkeypatch.setattr(stepping, "step_cost", lambda *_: StepCost(1, 1, 1, 1, 1))  # so has this
    monkeypatch.setattr(speed, "installed", dict)
    file = speed.measure_speed(tmp_path, announce=told.append, device="cpu", plan=TINY)
    torch.set_num_threads(threads)
    rows = json.loads(file.read_text())["rows"]
    steps = {row["method"]: row for row in rows if row["what"] == "step"}
    assert steps.keys() == {*few, "bare-plain", "bare-pgm-10"}
    assert (steps["plain"]["forward_passes"], steps["remembered-grad-l2l"]["forward_passes"]) == (1, 2)
    assert all(len(row["turns"]) == 2 and row["peak_bytes"] > 0 for row in steps.values())
    assert {row["norm"] for row in rows if row["what"] == "attack"} == {"linf", "l2"}
    assert "torchattacks is not installed, so its attacks are left out" in told
    before = file.stat().st_mtime_ns
    speed.measure_speed(tmp_path, announce=told.append, device="cpu", plan=TINY)
    torch.set_num_threads(threads)
    assert file.stat().st_mtime_ns == before


def test_what_grows_is_one_number_at_a_time(small):
    grown = [group for group in speed.groups(speed.CPU, CPU) if group.identity["what"] == "growth"]
    assert len({tuple(group.identity.values()) for group in grown}) == len(grown) == 8
    for group in grown:
        first, *others = (vars(make.args[0]) | {"steps": make.args[2]} for make in group.works.values())
        for other in others:
            assert {name for name in first if first[name] != other[name]} == {group.identity["factor"]}


def test_all_methods_are_timed():
    timed = {
        group.identity["model"]: set(group.works)
        for group in speed.groups(speed.CPU, CPU)
        if group.identity["what"] == "step"
    }
    assert timed["wrn-10-2"] == {*METHODS, "bare-plain", "bare-pgm-10"}
    assert timed["preact-resnet-18"] == {*TABLE, "bare-plain", "bare-pgm-10"}


def test_what_is_missing_is_timed_again(tmp_path, small, monkeypatch):
    monkeypatch.setattr(speed, "installed", dict)
    plan, threads = replace(TINY, steps={}, growth={}), torch.get_num_threads()
    file = speed.measure_speed(tmp_path, announce=print, device="cpu", plan=plan)
    content = json.loads(file.read_text())
    lost = content["rows"].pop()
    file.write_text(json.dumps(content))
    speed.measure_speed(tmp_path, announce=print, device="cpu", plan=plan)
    torch.set_num_threads(threads)
    rows = json.loads(file.read_text())["rows"]
    assert len(rows) == 4
    assert (rows[-1]["method"], rows[-1]["norm"]) == (lost["method"], lost["norm"])
    assert all(math.isfinite(row["seconds"]) for row in rows)


def test_the_forms_of_a_network_say_how_far_it_moves():
    setup = stepping.Setup("small-cnn", 2, CPU, size=16)
    group = next(iter(speed._forms(setup, 1, 1)))
    moved = {form: group.told(form, print)["moved"] for form in ("float32", "bfloat16", "channels-last")}
    assert moved["float32"] == 0
    assert moved["channels-last"] < 1e-5 < moved["bfloat16"] < 0.1


@pytest.mark.parametrize("name", ["torchattacks", "foolbox"])
def test_a_peer_attacks_as_hard(name, images):
    """Both end in the ball and raise the loss about as far."""
    pytest.importorskip(name)
    torch.manual_seed(0)
    network, (pixels, labels) = SmallResNet(classes=3, width=4).eval().requires_grad_(False), images
    for threat in (LinfBall(0.1), L2Ball(0.5)):
        loss = [
            nn.functional.cross_entropy(network(attacked), labels).item()
            for attacked in (
                Attack(PGM(steps=10, step_size=threat.eps / 4), threat)(network, pixels, labels),
                speed.PEERS[name](network, threat, 10)(pixels, labels),
            )
        ]
        assert loss[1] == pytest.approx(loss[0], rel=0.05)
