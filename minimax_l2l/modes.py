"""Gradient queries leave a module as they found it: modes, weights and running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from minimax_l2l.errors import require_a, require_choice

QueryMode = Literal["eval", "train", "tracked"]
_KEPT = "_kept_in_eval_mode"  # on a part without weights, by the last run


def train(module: nn.Module) -> None:
    """Train mode, but for what the owner froze; see `frozen`."""
    kept = frozen(module)
    module.train()
    for part in kept:
        part.eval()


def rest(module: nn.Module) -> None:
    """Eval mode, once a run has ended; which parts without weights were frozen in it is kept for the next one."""
    kept = set(frozen(module))
    for part in module.modules():
        if part in kept and next(part.parameters(), None) is None:
            setattr(part, _KEPT, True)
        elif hasattr(part, _KEPT):
            delattr(part, _KEPT)
    module.eval()


def frozen(module: nn.Module) -> list[nn.Module]:
    """Parts in eval mode none of whose weights requires a gradient.

    One without weights, such as a `BatchNorm2d(affine=False)`, is frozen if what it is directly part of is in train
    mode: in a network that is in eval mode as a whole nobody can have meant that one part. A run leaves a network
    so; what was frozen in it stays so in the next one, until its owner puts it in train mode.
    """
    around = {child: parent for parent in module.modules() for child in parent.children()}
    return [part for part in module.modules() if not part.training and _is_frozen(part, around.get(part))]


def _is_frozen(part: nn.Module, around: nn.Module | None) -> bool:
    weights = list(part.parameters())
    if not weights:
        return hasattr(part, _KEPT) or (around is not None and around.training)
    return not any(weight.requires_grad for weight in weights)


@contextmanager
def querying(
    module: nn.Module | None, mode: QueryMode, *, frozen: bool = True, graph: bool = False
) -> Iterator[None]:
    """Run gradient queries through `module` without leaving a trace in it, unless `mode` is `"tracked"`.

    Args:
        module: theta's module; None if the problem named none.
        mode: `"eval"` queries with running statistics, so that instances stay independent; `"train"`
            uses the batch's statistics and leaves the running ones alone; `"tracked"` moves those as well.
        frozen: make the weights constants, so that no query forms their gradients, compiled or not, and no second
            derivative reaches theta.
        graph: queries keep their graphs, which read the running statistics after the outer pass has moved them.
    """
    require_choice("query_mode", mode, get_args(QueryMode))
    if module is None:
        yield
        return
    require_a("module", module, nn.Module, "theta's network", "name a torch.nn.Module, or None")
    training = [(part, part.training) for part in module.modules()]
    weights = [weight for weight in module.parameters() if weight.requires_grad] if frozen else []
    kept: list[tuple[nn.Module, dict[str, Tensor | None]]] = []
    tracking: list[_BatchNorm] = []
    try:
        if mode == "eval":
            module.eval()
        else:
            train(module)
        for part, _ in training if mode != "tracked" else ():
            if part.training and isinstance(part, _BatchNorm):
                if part.track_running_stats:
                    tracking.append(part)
                    part.track_running_stats = False  # in training mode it then neither reads nor writes them
            elif part._buffers and (part.training or graph):
                kept.append((part, dict(part._buffers)))
                part._buffers.update({n: None if own is None else own.clone() for n, own in part._buffers.items()})
        for weight in weights:
            weight.requires_grad_(False)
        yield
    finally:
        for part, was in training:
            part.training = was
        for norm in tracking:
            norm.track_running_stats = True
        for part, own in kept:
            part._buffers.update(own)
        for weight in weights:
            weight.requires_grad_(True)


@contextmanager
def resting(*modules: nn.Module) -> Iterator[None]:
    """Modules in eval mode; afterwards in the modes they were in."""
    before = [(part, part.training) for module in modules for part in module.modules()]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
