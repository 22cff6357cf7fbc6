"""Files that were damaged or are something else: refused in a sentence that names them, or read as they were."""

import pickle
import shutil
import traceback
from pathlib import Path

import pytest
import torch
from doors.door import OURS, knocked
from folders import files
from hypothesis import given
from hypothesis import strategies as st
from own_images import archive
from pictures import pictures
from torch import nn

from minimax_l2l import PGM, CNNUpdater, LearnedOptimizer, LinfBall, RunFolder
from minimax_l2l.lab.rows import read_rows, write_rows
from tasks.adversarial import Attack, Images, evaluate, from_folder, from_npz
from tasks.adversarial.evaluation.findings import BEGINNING
from tasks.adversarial.models.small_resnet import SmallResNet

IMAGES = Images(torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), [0, 1, 0, 1])


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


@st.composite
def damaged(draw, whole: bytes) -> bytes | None:
    """What a file may hold instead; None if a folder stands in its place."""
    at = draw(st.integers(0, len(whole) - 1))
    return draw(
        st.sampled_from(
            [
                whole[:at],
                whole[at:],
                whole[:at] + bytes([whole[at] ^ 1 << draw(st.integers(0, 7))]) + whole[at + 1 :],
                whole[:at] + b"\0" * 64 + whole[at + 64 :],
                whole[:at] + draw(st.binary(min_size=1, max_size=64)) + whole[at:],
                pickle.dumps(Bomb()),
                b"",
                b"{}",
                b"[]",
                b"null",
                b'{"rows": 3, "pieces": [], "optimizer": {}}',
                b"\xff\xfe\0",
                None,
            ]
        )
    )


def put(file: Path, content: bytes | None) -> None:
    if file.is_dir():
        file.rmdir()
    file.unlink(missing_ok=True)
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)


def npz(home):
    data = from_npz(home / "mine.npz")
    return [(part.images.tolist(), part.labels.tolist()) for part in (data.train, data.validation, data.test)]


def folder(home):
    data = from_folder(home / "pets")
    return [(part.images.tolist(), part.labels.tolist()) for part in (data.train, data.validation, data.test)]


def rows(home):
    return read_rows(home / "rows.json")


def config(home):
    return RunFolder(home / "run").read_json("config.json")


def metrics(home):
    return RunFolder(home / "run").read_metrics()


def checkpoint(home):
    return str(RunFolder(home / "run").read_checkpoint())


def model(home):
    return weights(RunFolder(home / "run").read_module("model", SmallResNet))


def filled(home):
    network = SmallResNet(width=1)
    RunFolder(home / "run").read_weights("model", network)
    return weights(network)


def attack(home):
    read = Attack.from_pretrained(home / "attack")
    return read.optimizer.steps, read.threat.eps, read.loss.__name__, read.seed


def learned(home):
    return weights(Attack.from_pretrained(home / "learned").optimizer)


def weights(module):
    return {name: part.tolist() for name, part in module.state_dict().items()}


READERS = {
    npz: ("mine.npz",),
    folder: ("pets/test/dog/1.png",),
    rows: ("rows.json",),
    config: ("run/config.json", "run/checksums.json"),
    metrics: ("run/metrics.jsonl", "run/checksums.json"),
    checkpoint: ("run/checkpoint/state.pt", "run/checksums.json"),
    model: ("run/model/model.safetensors", "run/model/config.json", "run/model/model.checksums.json"),
    filled: ("run/model/model.safetensors", "run/model/config.json", "run/model/model.checksums.json"),
    attack: ("attack/attack.json", "attack/checksums.json"),
    learned: ("learned/attack.json", "learned/optimizer/model.safetensors", "learned/optimizer/config.json"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    home = tmp_path_factory.mktemp("written")
    archive(home / "mine.npz")
    pictures(home / "pets")
    write_rows(home / "rows.json", [{"method": "plain", "seed": 0, "clean": 0.5}])
    run = RunFolder(home / "run")
    run.write_json("config.json", {"preset": "none", "settings": {"seed": 0}})
    run.write_metrics([{"step": 1, "objective": 0.5}, {"step": 2, "objective": 0.25}])
    run.write_checkpoint({"step": 2, "weights": torch.arange(3.0)})
    run.write_module("model", SmallResNet(width=1))
    run.seal("metrics.jsonl")
    Attack(PGM(steps=3, step_size=0.1), LinfBall(0.1)).save_pretrained(home / "attack")
    Attack(LearnedOptimizer(CNNUpdater.light(channels=1, width=1)), LinfBall(0.1)).save_pretrained(home / "learned")
    return home


@pytest.mark.parametrize(
    ("read", "name"),
    [(read, name) for read, names in READERS.items() for name in names],
    ids=lambda one: getattr(one, "__name__", one),
)
@given(data=st.data())
def test_a_damaged_file(read, name, data, written, tmp_path, monkeypatch):
    """Never another content, a raw error, or code that is run; and nothing is lost."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(written, home)
    put(home / name, data.draw(damaged((written / name).read_bytes())))
    before = files(home)
    knocked[name] = knocked.get(name, 0) + 1
    found, refusal = None, None
    try:
        found = read(home)
    except (ValueError, TypeError) as error:
        refusal = error
    if refusal is None:
        assert found == read(written)
    else:
        assert any(part in str(refusal) for part in (Path(name).name, Path(name).parent.name or name)), refusal
        assert traceback.extract_tb(refusal.__traceback__)[-1].filename.startswith(OURS), refusal
    assert files(home) == before
    assert not Path("exploded").exists()


@given(data=st.data())
def test_damaged_pieces_of_an_evaluation(data, tmp_path_factory):
    """They are not used: the evaluation begins again and finds the same, or asks whose file that is."""
    home = tmp_path_factory.mktemp("pieces")
    torch.manual_seed(0)
    network, parts = nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), home / "parts.json"
    whole = evaluate(network, IMAGES, LinfBall(0.1), kept_in=parts).accuracies()
    put(parts, content := data.draw(damaged(parts.read_bytes())))
    knocked["parts.json"] = knocked.get("parts.json", 0) + 1
    if content is None:
        with pytest.raises(ValueError, match="kept_in must be the name of a file"):
            evaluate(network, IMAGES, LinfBall(0.1), kept_in=parts)
    elif content and not content.startswith(BEGINNING):
        with pytest.raises(ValueError, match=r"kept_in=.*parts\.json holds something else than pieces"):
            evaluate(network, IMAGES, LinfBall(0.1), kept_in=parts)
        assert parts.read_bytes() == content
    else:
        assert evaluate(network, IMAGES, LinfBall(0.1), kept_in=parts).accuracies() == whole
