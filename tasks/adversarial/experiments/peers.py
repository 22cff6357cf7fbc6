"""PGM-10 as other libraries attack with it, where they are installed; nothing else here needs them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from torch import Tensor, nn

from minimax_l2l import LinfBall
from tasks.adversarial.threat import Threat

Attacks = Callable[[Tensor, Tensor], Any]
Peer = Callable[[nn.Module, Threat, int], Attacks]


def torchattacks(network: nn.Module, threat: Threat, steps: int) -> Attacks:
    """`torchattacks.PGD` or `PGDL2` from a random start with steps of eps / 4."""
    module = import_module("torchattacks")
    kind = module.PGD if isinstance(threat, LinfBall) else module.PGDL2
    attack: Attacks = kind(network, eps=threat.eps, alpha=threat.eps / 4, steps=steps, random_start=True)
    return attack


def foolbox(network: nn.Module, threat: Threat, steps: int) -> Attacks:
    """`foolbox.attacks.LinfPGD` or `L2PGD` likewise, without the forward that looks who was fooled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        module = import_module("foolbox")
    kind = module.attacks.LinfPGD if isinstance(threat, LinfBall) else module.attacks.L2PGD
    attack = kind(abs_stepsize=threat.eps / 4, steps=steps, random_start=True)
    model = module.PyTorchModel(network, bounds=(0, 1), device=next(network.parameters()).device)
    truth = module.criteria.Misclassification
    return lambda images, labels: attack.run(model, images, truth(labels), epsilon=threat.eps)


PEERS: dict[str, Peer] = {"torchattacks": torchattacks, "foolbox": foolbox}


def installed() -> dict[str, str]:
    """The versions of the peers that are there."""
    found = {}
    for name in PEERS:
        try:
            import_module(name)
            found[name] = version(name)
        except (ImportError, PackageNotFoundError):
            continue
    return found
