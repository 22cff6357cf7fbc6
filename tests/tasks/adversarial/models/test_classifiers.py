"""The classifiers: parameters counted layer by layer, shapes stage by stage, and what any of them must do."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minimax_l2l import LinfBall
from minimax_l2l.testing import check_problem
from tasks.adversarial import (
    PerturbationProblem,
    PreActResNet18,
    ResNet18,
    SmallCNN,
    SmallResNet,
    StridedCNN,
    WideResNet,
)

META = torch.device("meta")


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def made(kind, *given, **options):
    """A network without memory."""
    with META:
        return kind(*given, **options)


def stages(network: nn.Module, image: tuple[int, int, int], *parts: nn.Module) -> list[tuple[int, ...]]:
    """What the parts and the whole make of two images, by their shapes; nothing is computed."""
    shapes = []
    for part in (*parts, network):
        part.register_forward_hook(lambda _, __, made: shapes.append(tuple(made.shape[1:])))
    network(torch.empty(2, *image, device=META))
    return shapes


def convolution(inputs, outputs, size=3):
    return size * size * inputs * outputs


def norm(width):
    return 2 * width


def pre_activation(inputs, outputs):
    """A block: norm, convolution, norm, convolution; a 1x1 convolution if the width changes."""
    shortcut = convolution(inputs, outputs, 1) if inputs != outputs else 0
    return norm(inputs) + convolution(inputs, outputs) + norm(outputs) + convolution(outputs, outputs) + shortcut


def post_activation(inputs, outputs):
    """A block: convolution, norm, convolution, norm; a normalised 1x1 convolution if the width changes."""
    shortcut = convolution(inputs, outputs, 1) + norm(outputs) if inputs != outputs else 0
    return convolution(inputs, outputs) + norm(outputs) + convolution(outputs, outputs) + norm(outputs) + shortcut


def group(block, inputs, outputs, depth):
    return block(inputs, outputs) + (depth - 1) * block(outputs, outputs)


def wide(depth, widen, channels=3, classes=10):
    widths = [16, 16 * widen, 32 * widen, 64 * widen]
    groups = sum(group(pre_activation, *pair, (depth - 4) // 6) for pair in pairwise(widths))
    return convolution(channels, 16) + groups + norm(widths[-1]) + (widths[-1] + 1) * classes


class TestWideResNet:
    @pytest.mark.parametrize(
        ("depth", "widen", "classes", "by_hand"),
        [(34, 10, 10, 46_160_474), (28, 10, 10, 36_479_194), (34, 10, 100, 46_218_164), (10, 2, 10, 303_706)],
    )
    def test_parameters(self, depth, widen, classes, by_hand):
        assert wide(depth, widen, classes=classes) == by_hand
        assert parameters(made(WideResNet, depth, widen, classes=classes)) == by_hand

    def test_stages(self):
        network = made(WideResNet)
        assert len(network.blocks) == 15
        assert stages(network, (3, 32, 32), network.first, *network.blocks[::5], *network.blocks[4::5]) == [
            (16, 32, 32),
            (160, 32, 32),
            (160, 32, 32),
            (320, 16, 16),
            (320, 16, 16),
            (640, 8, 8),
            (640, 8, 8),
            (10,),
        ]

    def test_starts_as_the_paper_says(self):
        network = WideResNet(10, 2)
        for part in network.modules():
            if isinstance(part, nn.Conv2d) and part.weight.numel() > 1000:
                inside = part.weight[0, 0].numel() * part.out_channels
                assert part.weight.std().item() == pytest.approx((2 / inside) ** 0.5, rel=0.1)
        assert not network.last.bias.any()

    def test_trains_on_tiny_images(self):
        network, images, labels = WideResNet(10, 2, classes=2), torch.rand(8, 3, 8, 8), torch.arange(8) % 2
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        losses = []
        for _ in range(15):
            loss = F.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            assert all(weight.grad is not None and weight.grad.any() for weight in network.parameters())
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.1 < losses[0]

    def test_the_one_of_the_paper_steps(self):
        """One image, forward and backward, with all its parameters."""
        network = WideResNet()
        loss = F.cross_entropy(network(torch.rand(1, 3, 32, 32)), torch.tensor([3]))
        loss.backward()
        assert loss.isfinite()
        assert all(weight.grad.isfinite().all() for weight in network.parameters())

    def test_its_perturbation_problem_keeps_the_laws(self):
        network, images = WideResNet(10, 1).eval().double(), torch.rand(3, 3, 8, 8, dtype=torch.float64)
        check_problem(lambda: PerturbationProblem(network, images, torch.arange(3), LinfBall(0.1)))

    def test_a_block_by_hand(self):
        """Where the width changes, the shortcut starts from the activated input; elsewhere from the input."""
        first, second = WideResNet(16, 2).eval().blocks[:2]
        x = torch.randn(2, 16, 4, 4)
        h = first.norm_1(x).relu()
        y = first.shortcut(h) + first.conv_2(first.norm_2(first.conv_1(h)).relu())
        assert torch.equal(first(x), y)
        assert second.shortcut is None
        assert torch.equal(
            second(y), y + second.conv_2(second.norm_2(second.conv_1(second.norm_1(y).relu())).relu())
        )

    @pytest.mark.parametrize("depth", [11, 27, 33, 35])
    def test_a_depth_that_no_three_groups_have(self, depth):
        low, high = depth - (depth - 4) % 6, depth - (depth - 4) % 6 + 6
        with pytest.raises(ValueError, match=rf"depth must be 6n \+ 4, got {depth}; pass {low} or {high}\."):
            WideResNet(depth, 1)


class TestResNet18:
    def test_parameters(self):
        groups = sum(group(post_activation, *pair, 2) for pair in ((64, 64), (64, 128), (128, 256), (256, 512)))
        assert convolution(3, 64) + norm(64) + groups + 513 * 10 == 11_173_962
        assert parameters(made(ResNet18)) == 11_173_962

    def test_parameters_with_pre_activation(self):
        groups = sum(group(pre_activation, *pair, 2) for pair in ((64, 64), (64, 128), (128, 256), (256, 512)))
        assert convolution(3, 64) + groups + norm(512) + 513 * 10 == 11_172_170
        assert parameters(made(PreActResNet18)) == 11_172_170

    @pytest.mark.parametrize("kind", [ResNet18, PreActResNet18])
    def test_stages(self, kind):
        network = made(kind)
        ends = network.blocks[1::2]
        assert stages(network, (3, 32, 32), network.first, *ends) == [
            (64, 32, 32),
            (64, 32, 32),
            (128, 16, 16),
            (256, 8, 8),
            (512, 4, 4),
            (10,),
        ]

    def test_a_block_by_hand(self):
        block = ResNet18().eval().blocks[2]
        x = torch.randn(2, 64, 4, 4)
        conv_1, norm_1, _, conv_2, norm_2 = block.body
        conv, norm = block.shortcut
        assert torch.equal(block(x), (norm_2(conv_2(norm_1(conv_1(x)).relu())) + norm(conv(x))).relu())


class TestSmallCNN:
    def test_parameters(self):
        def biased(inputs, outputs):
            return convolution(inputs, outputs) + outputs

        convolutions = biased(1, 32) + biased(32, 32) + biased(32, 64) + biased(64, 64)
        layers = (64 * 4 * 4 + 1) * 200 + 201 * 200 + 201 * 10
        assert convolutions + layers == parameters(made(SmallCNN)) == 312_202

    def test_stages(self):
        network = made(SmallCNN)
        shapes = stages(network, (1, 28, 28), *network.convolutions[::2], network.convolutions[-1], *network.layers)
        assert shapes[:6] == [(32, 26, 26), (32, 24, 24), (32, 12, 12), (64, 10, 10), (64, 8, 8), (64, 4, 4)]

    @pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 23), (32, 32), (64, 48)])
    def test_of_other_sizes(self, height, width):
        network = made(SmallCNN, 3, 7, height, width)
        assert network(torch.empty(2, 3, height, width, device=META)).shape == (2, 7)

    @pytest.mark.parametrize("side", ["height", "width"])
    def test_images_too_small_for_it(self, side):
        with pytest.raises(ValueError, match=f"{side} must be at least 16, got 15"):
            SmallCNN(**{side: 15})

    def test_leaves_out_hidden_units_in_training_alone(self):
        network, images = SmallCNN(height=16, width=16), torch.rand(2, 1, 16, 16)
        assert not torch.equal(network(images), network(images))
        assert torch.equal(network.eval()(images), network(images))


class TestStridedCNN:
    def test_parameters(self):
        layers = 17 * 16 + (16 * 16 + 1) * 32 + (32 * 7 * 7 + 1) * 100 + 101 * 10
        assert layers == parameters(made(StridedCNN)) == 166_406

    def test_stages(self):
        network = made(StridedCNN, 3, 10, width=32, height=32, side=32)
        assert stages(network, (3, 32, 32), network.layers[0], network.layers[2], *network.layers[4:]) == [
            (32, 16, 16),
            (64, 8, 8),
            (4096,),
            (100,),
            (100,),
            (10,),
            (10,),
        ]

    @pytest.mark.parametrize(("height", "side"), [(4, 4), (17, 23), (28, 32)])
    def test_of_other_sizes(self, height, side):
        network = made(StridedCNN, 3, 7, width=8, height=height, side=side)
        assert network(torch.empty(2, 3, height, side, device=META)).shape == (2, 7)

    @pytest.mark.parametrize("name", ["height", "side"])
    def test_images_too_small_for_it(self, name):
        with pytest.raises(ValueError, match=f"{name} must be at least 4, got 3"):
            StridedCNN(**{name: 3})


class TestSmallResNet:
    def test_parameters(self):
        blocks = pre_activation(8, 8) + pre_activation(8, 16) + pre_activation(16, 32)
        assert parameters(SmallResNet()) == convolution(1, 8) + blocks + norm(32) + 33 * 10

    @pytest.mark.parametrize("width", [1, 16, 64])
    def test_widths(self, width):
        network = made(SmallResNet, 3, 7, width)
        assert stages(network, (3, 9, 12), *network.blocks) == [
            (width, 9, 12),
            (2 * width, 5, 6),
            (4 * width, 3, 3),
            (7,),
        ]

    @pytest.mark.parametrize("width", [0, -1])
    def test_width_that_makes_no_sense(self, width):
        with pytest.raises(ValueError, match="width must be at least 1"):
            SmallResNet(width=width)


@pytest.mark.parametrize(
    "make",
    [
        lambda **own: SmallResNet(2, 3, 4, **own),
        lambda **own: SmallCNN(2, 3, 16, 16, **own),
        lambda **own: WideResNet(10, 1, 2, 3, **own),
        lambda **own: ResNet18(2, 3, **own),
        lambda **own: PreActResNet18(2, 3, **own),
    ],
    ids=["SmallResNet", "SmallCNN", "WideResNet", "ResNet18", "PreActResNet18"],
)
class TestEvery:
    def test_images_are_independent_in_eval_mode(self, make):
        network, images = make().eval().double(), torch.rand(3, 2, 16, 16, dtype=torch.float64)
        alone = torch.cat([network(image[None]) for image in images])
        assert torch.allclose(network(images), alone, rtol=1e-9, atol=1e-12)

    def test_normalises_inside(self, make):
        """f(x; mean, std) = f((x - mean) / std), with the same weights."""
        torch.manual_seed(1)
        plain = make().eval()
        torch.manual_seed(1)
        network = make(mean=[0.4, 0.5], std=[0.2, 0.25]).eval()
        images = torch.rand(3, 2, 16, 16)
        mean, std = torch.tensor([0.4, 0.5])[:, None, None], torch.tensor([0.2, 0.25])[:, None, None]
        assert torch.allclose(network(images), plain((images - mean) / std), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(network(images), plain(images), rtol=1e-2, atol=1e-2)

    def test_its_folder_is_all_it_takes_to_load_it(self, make, tmp_path):
        network, images = make(mean=(0.4, 0.5), std=(0.2, 0.25)), torch.rand(4, 2, 16, 16)
        network(images)  # the running statistics are saved as well
        network.save_pretrained(tmp_path)
        again = type(network).from_pretrained(tmp_path)
        assert torch.equal(again.eval()(images), network.eval()(images))
        assert f"Load it with `{type(network).__name__}.from_pretrained" in (tmp_path / "README.md").read_text()
