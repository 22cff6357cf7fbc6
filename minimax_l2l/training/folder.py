"""A run's folder: config, metrics, checkpoint, weights; every file is written whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, TypeVar, cast
from uuid import uuid4

import torch
from huggingface_hub import ModelHubMixin, PyTorchModelHubMixin
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_model, save_model
from torch import nn

from minimax_l2l.checksums import NAME, Checksums
from minimax_l2l.errors import DamagedRunError, MissingClassError, require_a
from minimax_l2l.files import atomic
from minimax_l2l.training.solution import Row

CHECKPOINT, PREVIOUS = "checkpoint/state.pt", "checkpoint/previous.pt"
OWN_FOLDERS = ("checkpoint", "model", "optimizer", "average", "best", "tensorboard")
OWN_FILES = (
    "metrics.jsonl",
    "solution.json",
    "evaluation.json",
    "evaluation.parts.json",
    "audit.json",
    "audit.parts.json",
    "policy.zip",
    NAME,
    "config.json",  # last, so that a folder whose removal was interrupted still says what it is
)
Module = TypeVar("Module", bound=ModelHubMixin)


class RunFolder:
    """The files of one run.

    `config.json` says what was played, `metrics.jsonl` holds a row for each logged step, `checkpoint/` what
    resuming needs and the one before it, `model/` and `optimizer/` theta and phi as safetensors beside their
    configs, `solution.json` how it ended, `checksums.json` what each of these files has to be. A file that the run
    did not write is not read.

    Args:
        path: the folder; made when something is first written to it.

    Raises:
        ValueError: if there is a file of that name.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(require_a("path", path, (str, Path), "a folder's path", "pass a string or a Path"))
        for part in (self.path, *self.path.parents):
            if part.exists():
                if not part.is_dir():
                    raise ValueError(f"{part} is a file, a run needs a folder; choose another out=.")
                break
        self._checksums = Checksums(self.path)

    @property
    def config_file(self) -> Path:
        """How to run it again."""
        return self.path / "config.json"

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line, one line a logged step."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint_file(self) -> Path:
        """Tensors and plain values only; read with `weights_only=True`."""
        return self.path / "checkpoint" / "state.pt"

    def make_room(self, *, overwrite: bool) -> None:
        """Remove an earlier run's own files, its config last, and nothing else.

        Raises:
            ValueError: if there is a run and it is not to be replaced, or if somebody else's files of a run's names
                are there.
        """
        taken = [name for name in (*OWN_FOLDERS, *OWN_FILES) if (self.path / name).exists()]
        if taken and not self._checksums.lists("config.json"):
            raise ValueError(
                f"{self.path} holds {', '.join(taken)}, which no run of this library wrote, so nothing is "
                "replaced; choose another out=, or remove them yourself."
            )
        if taken and not overwrite:
            raise ValueError(
                f"{self.path} holds a run already; pass resume=True to go on with it, overwrite=True to replace "
                "it, or choose another out=."
            )
        for name in taken:
            if (self.path / name).is_dir():
                shutil.rmtree(self.path / name)
            else:
                (self.path / name).unlink()

    @property
    def begun(self) -> bool:
        """Whether the run has written a checkpoint, wherever that may be now."""
        return self.checkpoint_file.exists() or self._checksums.lists(CHECKPOINT)

    def seal(self, *names: str) -> None:
        """Note files as they are now: nobody writes to them any more."""
        for name in names:
            if (self.path / name).is_file():
                self._checksums.expect(name, self.path / name)

    def reopen(self) -> None:
        """The run goes on: how it ended and what it was worth are no longer true, and its metrics grow."""
        ended = ("solution.json", "evaluation.json", "audit.json")
        for name in ended:
            (self.path / name).unlink(missing_ok=True)
        self._checksums.forget(*ended, "metrics.jsonl")

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the folder's JSON files."""
        text = json.dumps(content, indent=2, allow_nan=True) + "\n"
        with self._writing(name) as file:
            file.write(text.encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the folder's JSON files.

        Raises:
            DamagedRunError: if it is missing, is not as the run wrote it, or is not a JSON object.
        """
        return self._checksums.read_json(name)

    def write_metrics(self, history: list[Row]) -> None:
        """Replace the metrics by `history`, dropping rows past a checkpoint that is resumed."""
        with atomic(self.metrics_file) as file:
            file.write("".join(json.dumps(row) + "\n" for row in history).encode())

    def append_metrics(self, row: Row) -> None:
        """Add one row."""
        with self.metrics_file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def metrics_digest(self, rows: int) -> str:
        """A checksum of the first `rows` rows."""
        lines = self.metrics_file.read_bytes().splitlines(keepends=True)[:rows]
        return hashlib.sha256(b"".join(lines)).hexdigest()

    def read_metrics(self, rows: int | None = None, digest: str | None = None) -> list[Row]:
        """The first `rows` rows as a checkpoint knows them, or all rows of a run that has ended.

        Raises:
            DamagedRunError: if they are missing or fewer, are not as the run wrote them, or one is not JSON.
        """
        try:
            if rows is None:
                self._checksums.require(self.metrics_file.name)
            elif digest is not None and self.metrics_digest(rows) != digest:
                raise DamagedRunError(
                    f"the first {rows} rows of {self.metrics_file} are not as this run wrote them; put the right "
                    "file back, or start again in another folder."
                )
            lines = self.metrics_file.read_text().splitlines()[:rows]
            history = [cast(Row, json.loads(line)) for line in lines]
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self.metrics_file} cannot be read, there is no such file; start again in another folder."
            ) from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DamagedRunError(
                f"{self.metrics_file} cannot be read ({error}); start again in another folder."
            ) from error
        if rows is not None and len(history) < rows:
            raise DamagedRunError(
                f"{self.metrics_file} has {len(history)} rows, its checkpoint was made after {rows}; "
                "start again in another folder."
            )
        return history

    def write_checkpoint(self, state: Mapping[str, Any]) -> None:
        """Replace the checkpoint; the one before it is kept."""
        if self.checkpoint_file.exists():
            before = self.checkpoint_file.with_name(f".writing-{uuid4().hex}")
            before.hardlink_to(self.checkpoint_file)
            self._checksums.expect(PREVIOUS, before)
            before.replace(self.path / PREVIOUS)
        with self._writing(CHECKPOINT) as file:
            torch.save(dict(state), file)

    def read_checkpoint(self) -> dict[str, Any]:
        """The checkpoint; no code in it is ever run.

        Raises:
            DamagedRunError: if it is missing, is not as the run wrote it, or holds more than tensors and plain
                values.
        """
        try:
            self._checksums.require(CHECKPOINT)
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self.path} holds no checkpoint to resume; run it without resume.{self._the_one_before()}"
            ) from error
        except DamagedRunError as error:
            raise DamagedRunError(f"{error}{self._the_one_before()}") from error
        try:
            state = torch.load(self.checkpoint_file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch names no common base for what a damaged archive raises
            raise DamagedRunError(
                f"{self.checkpoint_file} cannot be read ({type(error).__name__}); start again in another folder."
            ) from error
        return cast(dict[str, Any], state)

    def write_module(self, name: str, module: nn.Module) -> None:
        """Write theta or phi to a subfolder, with its config if it knows how to save one."""
        self.path.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.path, prefix=".writing-") as draft:
            if isinstance(module, ModelHubMixin):
                module.save_pretrained(draft)
            else:
                save_model(module, str(Path(draft) / "model.safetensors"))
            for file in sorted(Path(draft).iterdir()):
                with file.open("rb") as source, self._writing(f"{name}/{file.name}") as target:
                    shutil.copyfileobj(source, target)

    def require_module(self, name: str) -> None:
        """Refuse theta's or phi's files if they are not as they were written.

        Raises:
            DamagedRunError: if one of them is another.
            FileNotFoundError: if one of them is gone.
        """
        for file in ("config.json", "model.safetensors"):
            self._checksums.require(f"{name}/{file}")

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
            safe_open(self.path / weights, "pt")
        try:
            load_model(module, self.path / weights)
        except RuntimeError as error:
            raise ValueError(
                f"{self.path / name} holds the weights of another network than this {type(module).__name__}; make "
                "one as the run did, with the code of then."
            ) from error

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """A module's subfolder; whatever goes wrong in reading it is said in a sentence."""
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
        with atomic(self.path / name, ready=lambda draft: self._checksums.expect(name, draft)) as file:
            yield file

    def _the_one_before(self) -> str:
        """The last good state, if there is one."""
        try:
            self._checksums.require(PREVIOUS)
        except (DamagedRunError, FileNotFoundError):
            return ""
        return f" The checkpoint before it is whole: move {self.path / PREVIOUS} there to go on from it."
