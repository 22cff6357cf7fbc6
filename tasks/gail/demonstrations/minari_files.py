"""Demonstrations on disk, as local Minari datasets in HDF5; nothing here speaks to a network."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from minimax_l2l import require_extra
from minimax_l2l.errors import require_a, require_path
from minimax_l2l.files import require_place, room_for
from tasks.gail.demonstrations.demonstrations import Demonstrations
from tasks.gail.demonstrations.trajectory import Trajectory, naming
from tasks.gail.environments.seeded_episodes import make_environment
from tasks.gail.seals import require_unbroken, seal, sealed

_ROOT = "MINARI_DATASETS_PATH"
FILES = ("data/metadata.json", "data/main_data.hdf5")


def write_minari(demonstrations: Demonstrations, name: str, *, root: Path | str | None = None, source: str) -> Path:
    """Store whole demonstrations as a Minari dataset, whole or not at all.

    Args:
        demonstrations: with rewards or without; those not known are stored as NaN, as Minari needs some.
        name: Minari's id, such as `minimax_l2l/cartpole/expert-v0`.
        root: folder of the datasets; Minari's own if None: the environment variable MINARI_DATASETS_PATH, or
            `.minari/datasets` in the home folder.
        source: the policy that was recorded, for the dataset's `algorithm_name`.

    Returns:
        The dataset's folder.

    Raises:
        MissingExtraError: if Minari, h5py or Pillow is not installed.
        TypeError: if something else than demonstrations is given, or no source.
        ValueError: if the name is malformed or taken, if the environment is unknown, does not fit or is registered
            with a class instead of its name, or if steps were left out: sub-sample what you read.
    """
    minari = _library()
    require_a("demonstrations", demonstrations, Demonstrations, "Demonstrations", "pass what is to be stored")
    if not isinstance(source, str) or not source:
        raise TypeError(f"source must be words, got {source!r}; say who was recorded, such as 'written by hand'.")
    demonstrations.require_whole("store")
    environment = make_environment(demonstrations.environment_id, seed=0)
    demonstrations.check_against(environment)
    environment.close()
    if environment.spec is not None and not isinstance(environment.spec.entry_point, str):
        raise ValueError(
            f"a dataset says by words how its environment is made, {demonstrations.environment_id} is registered "
            f"with {environment.spec.entry_point!r}; register it with entry_point='my_module:Mine'."
        )
    top = _root(root)
    folder = top / _valid(name)
    if folder.exists():
        raise ValueError(f"there is a dataset {folder} already; give another name or version, or delete it.")
    require_place("root", top)
    top.mkdir(parents=True, exist_ok=True)
    with (  # a whole path, since Minari joins relative ones twice
        room_for(folder),
        TemporaryDirectory(dir=top.resolve(), prefix=".writing-") as draft,
        _datasets_in(draft),
        warnings.catch_warnings(),
    ):
        # Minari recommends an author's address and a link to code, for datasets that are to be published.
        warnings.filterwarnings("ignore", message=r"`\w+` is set to None", category=UserWarning)
        minari.create_dataset_from_buffers(
            name,
            [_buffer(minari, one) for one in demonstrations.trajectories],
            env=demonstrations.environment_id,
            eval_env=demonstrations.environment_id,
            algorithm_name=source,
            description="Whole episodes of raw observations.",
            data_format="hdf5",
        )
        seal(Path(draft, name), FILES)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(Path(draft, name), folder)
    return folder


def read_minari(name: str, *, root: Path | str | None = None) -> Demonstrations:
    """Read a local Minari dataset; it is never downloaded, and no code in it is run.

    Args:
        name: Minari's id.
        root: as for `write_minari`.

    Raises:
        MissingExtraError: if Minari, h5py or Pillow is not installed.
        ValueError: if it is not there, is damaged, does not say its environment, or `Demonstrations` refuses what
            is in it.
    """
    minari = _library()
    folder = _root(root) / _valid(name)
    if not folder.is_dir():
        raise ValueError(f"there is no dataset {folder}; write it first, or download it with Minari.")
    try:
        if sealed(folder):  # a stranger's dataset is not
            require_unbroken(folder, FILES)
        environment_id, episodes = _contents(minari, folder / "data")
    except Exception as error:  # Minari and h5py name no common base for what damaged files raise
        raise ValueError(
            f"{folder} cannot be read as a Minari dataset ({type(error).__name__}: {error}); "
            "write or download it again."
        ) from error
    return Demonstrations(environment_id, tuple(_trajectory(i, episode) for i, episode in enumerate(episodes)))


def read_own(path: Path | str) -> Demonstrations:
    """Read the one Minari dataset that lies in a folder, or deeper in it.

    Raises:
        MissingExtraError: if Minari, h5py or Pillow is not installed.
        ValueError: if there is no such folder, if it holds no dataset or several, or as `read_minari`.
    """
    path = require_path("path", path)
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}; give that of a Minari dataset.")
    found = sorted(file.parents[1] for file in path.rglob("data/metadata.json"))
    if not found:
        raise ValueError(
            f"{path} holds no Minari dataset; give a folder that tasks.gail.write_minari or Minari wrote."
        )
    if len(found) > 1:
        names = ", ".join(str(one.relative_to(path)) for one in found[:5])
        raise ValueError(f"{path} holds {len(found)} Minari datasets, {names} among them; give the folder of one.")
    folder = found[0].resolve()
    if not re.fullmatch(r"\w[-\w]*-v\d+", folder.name):
        raise ValueError(
            f"{folder.name} is no longer called as Minari called it, a name and a version; rename the folder, for "
            f"example {folder.name}-v0."
        )
    return read_minari(folder.name, root=folder.parent)


def _contents(minari: ModuleType, data: Path) -> tuple[str, list[Any]]:
    metadata = json.loads((data / "metadata.json").read_text())
    if not {"observation_space", "action_space"} <= metadata.keys():
        # Minari would make the environment that the file names to learn its spaces, and so run what it names.
        raise ValueError("it does not say its spaces")
    dataset = minari.MinariDataset(data)
    if dataset.spec.env_spec is None:
        raise ValueError("it does not say its environment")
    return dataset.spec.env_spec.id, list(dataset.iterate_episodes())


def _trajectory(number: int, episode: Any) -> Trajectory:
    with naming(number):
        return Trajectory(
            episode.observations,
            episode.actions,
            None if np.isnan(episode.rewards).any() else episode.rewards,
            bool(episode.terminations[-1]),
            bool(episode.truncations[-1]),
        )


def _buffer(minari: ModuleType, one: Trajectory) -> Any:
    ends = np.arange(len(one)) == len(one) - 1
    return minari.data_collector.EpisodeBuffer(
        observations=one.observations,
        actions=one.actions,
        rewards=np.full(len(one), np.nan) if one.rewards is None else one.rewards,
        terminations=ends & one.terminated,
        truncations=ends & one.truncated,
    )


def _library() -> ModuleType:
    # Minari's HDF5 files need the first two, and it says so only when half of one is written.
    for module in ("h5py", "PIL", "minari"):
        found = require_extra(module, extra="gail", purpose="reading or storing demonstrations")
    return found


def _root(root: Path | str | None) -> Path:
    if root is not None:
        return require_path("root", root)
    return Path(os.environ.get(_ROOT) or Path.home() / ".minari" / "datasets")


def _valid(name: str) -> str:
    namespace = require_a(
        "name", name, str, "the name of a Minari dataset", "pass one such as cartpole/expert-v0"
    ).rpartition("/")[0]
    if (
        not re.fullmatch(r"(\w[-\w]*/)*\w[-\w]*-v\d+", name, re.ASCII) or len(namespace) == 1
    ):  # one letter is too short
        raise ValueError(
            f"{name!r} is no name of a Minari dataset; give namespaces, a name and a version, such as "
            "minimax_l2l/cartpole/expert-v0."
        )
    return name


@contextmanager
def _datasets_in(folder: str) -> Iterator[None]:
    """Minari takes its datasets' folder from an environment variable alone; set for a while, then put back."""
    before = os.environ.get(_ROOT)
    os.environ[_ROOT] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ROOT]
        else:
            os.environ[_ROOT] = before
