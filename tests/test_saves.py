"""What is saved to a folder: nothing is replaced unasked, and what was damaged since is refused."""

import re
import shutil
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from folders import files, unseal
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

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


class TestWhatIsNotThere:
    """Where nothing was saved no file is found; a save that lacks one is damaged. So everywhere."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_such_folder(self, kind, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"there is no folder .*nope.*; (pass|give) .*save_pretrained"):
            KINDS[kind].load(tmp_path / "nope")

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_folder_without_a_save(self, kind, tmp_path):
        with pytest.raises(FileNotFoundError, match=rf"holds no \w+\.json, so it is no saved {kind}; (pass|give)"):
            KINDS[kind].load(tmp_path)

    @pytest.mark.parametrize(
        ("kind", "name"), [(kind, name) for kind in KINDS for name in KINDS[kind].files if "checksums" not in name]
    )
    def test_a_file_that_is_gone(self, kind, name, tmp_path):
        KINDS[kind].make().save_pretrained(tmp_path)
        (tmp_path / name).unlink()
        with pytest.raises(DamagedRunError, match=r"(?s)put (it|the right files) back, or save it again"):
            KINDS[kind].load(tmp_path)

    @pytest.mark.parametrize(("kind", "part"), [("optimizer", "optimizer"), ("classifier", "model")])
    @pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
    def test_a_file_of_a_run_that_is_gone(self, kind, part, name, tmp_path):
        RunFolder(tmp_path).write_module(part, KINDS[kind].make())
        (tmp_path / part / name).unlink()
        with pytest.raises(DamagedRunError, match=rf"holds no {part}/{re.escape(name)} any more; put it back"):
            KINDS[kind].load(tmp_path / part)

    @pytest.mark.parametrize("kind", ["optimizer", "classifier"])
    @pytest.mark.parametrize(
        ("said", "found"),
        [
            (EntryNotFoundError("none"), r"config\.json and model\.safetensors of a repository .* \(EntryNotFound"),
            (LocalEntryNotFoundError("cached"), r".* could not be had from the Hugging Face Hub \(LocalEntry"),
            (OfflineModeIsEnabled("offline"), r".* could not be had from the Hugging Face Hub \(Offline"),
            (HFValidationError("a name"), "no repository can have that name"),
        ],
    )
    def test_a_repository_that_is_not_there(self, kind, said, found, monkeypatch):
        def download(*_, **__):
            raise said

        monkeypatch.setattr("minimax_l2l.hub.hf_hub_download", download)
        with pytest.raises(
            FileNotFoundError, match=rf"^there is no folder 'some/nope', and {found}.*; pass the folder"
        ):
            KINDS[kind].load("some/nope")

    def test_a_classifier_of_a_repository(self, tmp_path, monkeypatch):
        saved, asked = SmallResNet(width=1), []
        saved.save_pretrained(tmp_path)

        def download(*of, **options):
            asked.append((*of, options))
            return str(tmp_path / of[1])

        monkeypatch.setattr("minimax_l2l.hub.hf_hub_download", download)
        loaded = SmallResNet.from_pretrained("somebody/robust", revision="v1", strict=True)
        assert all(torch.equal(part, saved.state_dict()[name]) for name, part in loaded.state_dict().items())
        assert asked == [
            ("somebody/robust", name, {"revision": "v1"}) for name in ("config.json", "model.safetensors")
        ]


@pytest.mark.parametrize("kind", ["optimizer", "classifier"])
def test_what_is_pushed_is_saved_first(kind, tmp_path, monkeypatch):
    """To the folder's name, whether the Hub can be reached or not."""
    saved, asked = KINDS[kind].make(), []

    def push(self, repo_id, **options):
        asked.append((repo_id, options))
        raise ConnectionError

    monkeypatch.setattr(type(saved), "push_to_hub", push)
    for repository in (None, "somebody/mine"):
        with pytest.raises(ConnectionError):
            saved.save_pretrained(
                tmp_path / "mine", overwrite=True, push_to_hub=True, repo_id=repository, private=True
            )
    assert asked == [(name, {"private": True}) for name in ("mine", "somebody/mine")]
    KINDS[kind].load(tmp_path / "mine")


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
