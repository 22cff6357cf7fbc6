"""What is saved to a folder: nothing is replaced unasked, and what was damaged since is refused."""

import re
import shutil
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from folders import files, unseal

from minimax_l2l import PGM, CNNUpdater, DamagedRunError, LearnedOptimizer, LinfBall, MLPUpdater, RunFolder
from tasks.adversarial import Attack, SmallCNN, SmallResNet


class Kind(NamedTuple):
    make: Callable
    load: Callable
    files: tuple[str, ...]


def attack() -> Attack:
    return Attack(LearnedOptimizer(CNNUpdater.light(channels=1, width=1)), LinfBall(0.1))


KINDS = {
    "optimizer": Kind(
        lambda: LearnedOptimizer(MLPUpdater()),
        LearnedOptimizer.from_pretrained,
        ("config.json", "model.safetensors", "model.checksums.json"),
    ),
    "classifier": Kind(
        lambda: SmallResNet(width=1),
        SmallResNet.from_pretrained,
        ("config.json", "model.safetensors", "model.checksums.json"),
    ),
    "attack": Kind(
        attack,
        Attack.from_pretrained,
        ("attack.json", "checksums.json", "optimizer/config.json", "optimizer/model.safetensors"),
    ),
}
DAMAGES = {
    "a bit": lambda old: old[: len(old) // 2] + bytes([old[len(old) // 2] ^ 1]) + old[len(old) // 2 + 1 :],
    "the last bit": lambda old: old[:-1] + bytes([old[-1] ^ 1]),
    "a half": lambda old: old[: len(old) // 2],
    "nothing": lambda old: b"",
    "more": lambda old: old + b" ",
}


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_nothing_is_replaced_unasked(first, second, tmp_path):
    KINDS[first].make().save_pretrained(tmp_path)
    before, apart = files(tmp_path), "attack" in (first, second) and first != second
    if apart and first == "attack":  # whose files have other names
        KINDS[second].make().save_pretrained(tmp_path)
        assert {name: files(tmp_path)[name] for name in before} == before
        return
    words = (
        "a saved network; save the attack to another folder" if apart else "already; pass overwrite=True to repl"
    )
    with pytest.raises(ValueError, match=f"holds .*{words}"):
        KINDS[second].make().save_pretrained(tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("first", "second"),
    [(name, name) for name in KINDS] + [("optimizer", "classifier"), ("classifier", "optimizer")],
)
def test_it_is_replaced_when_asked(first, second, tmp_path):
    KINDS[first].make().save_pretrained(tmp_path / "twice")
    torch.manual_seed(1)
    saved = KINDS[second].make()
    saved.save_pretrained(tmp_path / "twice", overwrite=True)
    saved.save_pretrained(tmp_path / "once")
    for name in KINDS[second].files:
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    KINDS[second].load(tmp_path / "twice")


def test_a_learned_attack_leaves_nothing_behind(tmp_path):
    attack().save_pretrained(tmp_path)
    Attack(PGM(steps=2, step_size=0.1), LinfBall(0.1)).save_pretrained(tmp_path, overwrite=True)
    assert sorted(path.name for path in (tmp_path / "optimizer").iterdir()) == ["README.md"]
    assert Attack.from_pretrained(tmp_path).optimizer.steps == 2


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in KINDS[kind].files])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused(kind, name, damage, tmp_path):
    KINDS[kind].make().save_pretrained(tmp_path)
    file = tmp_path / name
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(
        DamagedRunError, match=r"(is not as|cannot be read).*; put (the right file|it|the right files)"
    ):
        KINDS[kind].load(tmp_path)


@pytest.mark.parametrize("kind", ["optimizer", "classifier"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_of_another_save_is_refused(kind, name, tmp_path):
    torch.manual_seed(0)
    others = {"optimizer": LearnedOptimizer(MLPUpdater(), steps=3), "classifier": SmallResNet(classes=3, width=1)}
    KINDS[kind].make().save_pretrained(tmp_path / "mine")
    others[kind].save_pretrained(tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, tmp_path / "mine" / name)
    with pytest.raises(DamagedRunError, match=rf"{re.escape(name)} is not as it was saved: .* another save's"):
        KINDS[kind].load(tmp_path / "mine")


@pytest.mark.parametrize("kind", ["optimizer", "classifier"])
def test_what_others_saved_has_no_checksums(kind, tmp_path):
    saved = KINDS[kind].make()
    saved.save_pretrained(tmp_path)
    unseal(tmp_path)
    loaded = KINDS[kind].load(tmp_path).state_dict()
    assert all(torch.equal(loaded[name], part) for name, part in saved.state_dict().items())


def test_a_copy_of_a_run_s_module_keeps_its_checksums(tmp_path):
    run = RunFolder(tmp_path / "run")
    for _ in range(2):  # a resumed run writes it again
        run.write_module("model", SmallResNet(width=1))
    shutil.copytree(tmp_path / "run" / "model", tmp_path / "copy")
    SmallResNet.from_pretrained(tmp_path / "copy")
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(DAMAGES["the last bit"](weights.read_bytes()))
    with pytest.raises(DamagedRunError, match="is not as it was saved"):
        SmallResNet.from_pretrained(tmp_path / "copy")


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("other", [lambda: SmallCNN(), lambda: LearnedOptimizer(MLPUpdater())])
def test_a_classifier_is_never_one_of_random_weights(sealed, other, tmp_path):
    """What the folder of another network lacks was drawn at random and not said."""
    other().save_pretrained(tmp_path)
    if not sealed:
        unseal(tmp_path)
    with pytest.raises(
        DamagedRunError, match=r"is no whole saved SmallResNet .*; load it with the class that saved"
    ):
        SmallResNet.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"not tensors"])
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_classifier_of_others_that_is_damaged(name, content, tmp_path):
    SmallResNet(width=1).save_pretrained(tmp_path)
    unseal(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedRunError, match="is no whole saved SmallResNet"):
        SmallResNet.from_pretrained(tmp_path)


def test_a_folder_without_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no model\.safetensors, so it is no saved classifier"):
        SmallResNet.from_pretrained(tmp_path)
    SmallResNet(width=1).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(DamagedRunError, match=r"holds no model\.safetensors any more; put it back"):
        SmallResNet.from_pretrained(tmp_path)


class Unkept(MLPUpdater):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.twice = 2 * scale


def test_what_cannot_be_saved_replaces_nothing(tmp_path):
    LearnedOptimizer(MLPUpdater()).save_pretrained(tmp_path)
    before = files(tmp_path)
    with pytest.raises(AttributeError, match="Unkept cannot be saved"):
        LearnedOptimizer(Unkept(1.0)).save_pretrained(tmp_path, overwrite=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["/proc/x", "/proc/x/y", "/dev/null/x", "afile/x", "x" * 300])
def test_places_that_cannot_be_written_to(kind, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").write_text("")
    with pytest.raises(
        ValueError, match=r"(cannot be written to \(.*|is a file and no folder); choose another \w+="
    ):
        KINDS[kind].make().save_pretrained(place)
    assert [path.name for path in tmp_path.iterdir()] == ["afile"]
