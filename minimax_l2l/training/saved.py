"""Modules in a run's folder: theta, phi and what is kept beside them, each in a subfolder of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, Any, TypeVar

from huggingface_hub import ModelHubMixin, PyTorchModelHubMixin
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_model
from torch import nn

from minimax_l2l.arguments import Shown
from minimax_l2l.checksums import Checksums
from minimax_l2l.errors import DamagedRunError, MissingClassError, require_a
from minimax_l2l.files import atomic, drafted
from minimax_l2l.saves import FILES, WEIGHTS, SavedChecksums

Module = TypeVar("Module", bound=ModelHubMixin)


class SavedModules(Shown):
    """Weights as safetensors, beside a config where a class knows how to keep one; their checksums are noted.

    Args:
        path: the folder; made when something is first written to it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._checksums = Checksums(path)

    def write_module(self, name: str, module: nn.Module) -> None:
        """Write theta or phi to a subfolder, with its config if it knows how to save one."""
        with drafted(self.path / name) as draft:
            if isinstance(module, ModelHubMixin):
                module.save_pretrained(draft)
            else:
                save_model(module, str(draft / WEIGHTS))
            self._checksums.expect({f"{name}/{file.name}": file for file in sorted(draft.iterdir())})

    def require_module(self, name: str) -> None:
        """Refuse theta's or phi's files if they are not as they were written.

        Raises:
            DamagedRunError: if one of them is another.
            FileNotFoundError: if one of them is gone.
        """
        for file in FILES:
            self._checksums.require(f"{name}/{file}")
        self._require_seal(name)

    def read_module(self, name: str, kind: type[Module]) -> Module:
        """Theta or phi from a subfolder, as `write_module` left it, made by its class and filled.

        Args:
            name: of the subfolder: `"model"`, `"optimizer"`, `"average"` or `"best"`.
            kind: its class, a `ModelHubMixin` of huggingface_hub, which keeps what it was made with.

        Raises:
            DamagedRunError: if it is missing or damaged.
            MissingClassError: if it is made of a class that is not the library's own.
            TypeError: if `kind` is no class.
            ValueError: if there are weights alone, of a class that does not keep what it was made with.
        """
        require_a("kind", kind, type, "the network's class", "pass the class, or fill a network with read_weights")
        with self._reading(name):
            self._checksums.require(f"{name}/model.safetensors")
            alone = not self._checksums.lists(f"{name}/config.json")
        if alone or not issubclass(kind, ModelHubMixin):
            raise ValueError(
                f"{self.path / name} holds weights without a config, as a network has them whose class is no "
                f"ModelHubMixin of huggingface_hub; make a {kind.__name__} as the run did, and fill it with "
                f"RunFolder(...).read_weights({name!r}, network)."
            )
        strict: dict[str, Any] = {"strict": True} if issubclass(kind, PyTorchModelHubMixin) else {}
        with self._reading(name):
            self.require_module(name)
            with redirect_stdout(io.StringIO()):  # the hub's mixin prints where weights come from
                return kind.from_pretrained(self.path / name, **strict)

    def read_weights(self, name: str, module: nn.Module) -> None:
        """Fill a module with the weights of one that `write_module` wrote; its config is not asked.

        Args:
            name: of the subfolder, as in `read_module`.
            module: a network made as the run made it; it stays on its device.

        Raises:
            DamagedRunError: if a file is missing or damaged.
            ValueError: if the weights are those of another network.
        """
        weights, config = f"{name}/model.safetensors", f"{name}/config.json"
        with self._reading(name):
            for file in (config, weights) if self._checksums.lists(config) else (weights,):
                self._checksums.require(file)
            self._require_seal(name)
            safe_open(self.path / weights, "pt")
        try:
            load_model(module, self.path / weights)
        except RuntimeError as error:
            raise ValueError(
                f"{self.path / name} holds the weights of another network than this {type(module).__name__}; make "
                "one as the run did, with the code of then."
            ) from error

    def _require_seal(self, name: str) -> None:
        """The checksums that go with a module's folder, where its class keeps some."""
        if self._checksums.lists(seal := f"{name}/{SavedChecksums.file_name}"):
            self._checksums.require(seal)

    def require_there(self) -> None:
        """Refuse to read from a folder that is not there.

        Raises:
            DamagedRunError: if it is not.
        """
        if not self.path.is_dir():
            raise DamagedRunError(f"there is no folder {self.path}; give one that a run with out= has written.")

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """A module's subfolder; whatever goes wrong in reading it is said in a sentence."""
        self.require_there()
        if not (self.path / name).is_dir():  # a name that is no folder would be looked for on the Hugging Face Hub
            raise DamagedRunError(
                f"{self.path} holds no {name}; finish the run with resume=True, or solve it anew."
            )
        try:
            yield
        except (DamagedRunError, MissingClassError):
            raise
        except (
            LookupError,
            OSError,
            SafetensorError,
            RuntimeError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            raise DamagedRunError(
                f"{self.path / name} is damaged ({type(error).__name__} in reading it); solve it again in another "
                "folder."
            ) from error

    @contextmanager
    def _writing(self, name: str) -> Iterator[IO[bytes]]:
        with atomic(self.path / name, ready=lambda draft: self._checksums.expect({name: draft})) as file:
            yield file
