"""A run's folder: config, metrics, checkpoint, weights; every file is written whole or not at all."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import torch
from huggingface_hub import ModelHubMixin, PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import save_model
from torch import nn

from minimax_l2l.errors import DamagedRunError, MissingClassError
from minimax_l2l.files import atomic
from minimax_l2l.training.solution import Row

Module = TypeVar("Module", bound=ModelHubMixin)


class RunFolder:
    """The files of one run.

    `config.json` says how to run it again, `metrics.jsonl` holds a row for each logged step, `checkpoint/` what
    resuming needs, `model/` and `optimizer/` theta and phi as safetensors beside their configs.

    Args:
        path: the folder; made when something is first written to it.

    Raises:
        ValueError: if there is a file of that name.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        for part in (self.path, *self.path.parents):
            if part.exists():
                if not part.is_dir():
                    raise ValueError(f"{part} is a file, a run needs a folder; choose another --out.")
                break

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

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one of the folder's JSON files."""
        text = json.dumps(content, indent=2, allow_nan=True) + "\n"
        with atomic(self.path / name) as file:
            file.write(text.encode())

    def read_json(self, name: str) -> dict[str, Any]:
        """Read one of the folder's JSON files.

        Raises:
            DamagedRunError: if it is missing or is not a JSON object.
        """
        file = self.path / name
        try:
            content = json.loads(file.read_text())
        except FileNotFoundError as error:
            raise DamagedRunError(
                f"{self.path} holds no {name}, so it is not a run; give a folder that `minimax-l2l solve` wrote."
            ) from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DamagedRunError(f"{file} cannot be read ({error}); run `minimax-l2l solve` again.") from error
        if not isinstance(content, dict):
            raise DamagedRunError(f"{file} holds no JSON object; run `minimax-l2l solve` again.")
        return content

    def write_metrics(self, history: list[Row]) -> None:
        """Replace the metrics by `history`, dropping rows past a checkpoint that is resumed."""
        with atomic(self.metrics_file) as file:
            file.write("".join(json.dumps(row) + "\n" for row in history).encode())

    def append_metrics(self, row: Row) -> None:
        """Add one row."""
        with self.metrics_file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def read_metrics(self, rows: int | None = None) -> list[Row]:
        """The first `rows` rows, or all.

        Raises:
            DamagedRunError: if they are missing or fewer, or one is not JSON.
        """
        try:
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
        """Replace the checkpoint."""
        with atomic(self.checkpoint_file) as file:
            torch.save(dict(state), file)

    def read_checkpoint(self) -> dict[str, Any]:
        """The checkpoint; no code in it is ever run.

        Raises:
            DamagedRunError: if it is missing, cut short, or holds more than tensors and plain values.
        """
        try:
            state = torch.load(self.checkpoint_file, map_location="cpu", weights_only=True)
        except FileNotFoundError as error:
            raise DamagedRunError(f"{self.path} holds no checkpoint to resume; run it without resume.") from error
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
                with file.open("rb") as source, atomic(self.path / name / file.name) as target:
                    shutil.copyfileobj(source, target)

    def read_module(self, name: str, kind: type[Module]) -> Module:
        """Theta or phi from a subfolder, as `write_module` left it.

        Raises:
            DamagedRunError: if it is missing or damaged.
            MissingClassError: if it is made of a class that is not the library's own.
        """
        if not (self.path / name).is_dir():  # a name that is no folder would be looked for on the Hugging Face Hub
            raise DamagedRunError(
                f"{self.path} holds no {name}; finish the run with `minimax-l2l solve ... --resume`, or solve it "
                "anew."
            )
        strict: dict[str, Any] = {"strict": True} if issubclass(kind, PyTorchModelHubMixin) else {}
        try:
            with redirect_stdout(io.StringIO()):  # the hub's mixin prints where weights come from
                return kind.from_pretrained(self.path / name, **strict)
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
