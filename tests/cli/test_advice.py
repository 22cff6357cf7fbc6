"""What the command line advises is done as it stands, and helps."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from folders import reseal
from own_images import archive
from short import undrawn

PRESET = "adversarial/digits-grad-l2l"


def advised(said: str) -> list[str]:
    """The command between backticks."""
    (command,) = re.findall(r"`minimax-l2l ([^`]+)`", said)
    return shlex.split(command)


def interrupted(folder: Path) -> None:
    solution = json.loads((folder / "solution.json").read_text())
    (folder / "solution.json").write_text(json.dumps(solution | {"status": "interrupted", "steps": 1}))
    reseal(folder)


def renamed(folder: Path) -> Path:
    Path("my runs").mkdir()
    return folder.rename("my runs/it's one")


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Whether there is a page is asked here, and not what it shows, which takes long to draw."""
    undrawn(monkeypatch)
    monkeypatch.setattr("tasks.adversarial.presets.pages.perturbations", lambda *_: [])


class TestOfRuns:
    @pytest.fixture
    def folder(self, solved):
        """A run whose folder has a name that a shell would take apart."""
        return renamed(solved)

    @pytest.fixture
    def evaluated(self, measured):
        return renamed(measured)

    def test_a_run_that_was_not_evaluated(self, run, folder):
        code, _, err = run("report", folder, "--data", "mine.npz")
        assert code == 1
        assert run(*advised(err))[0] == 0
        assert run("report", folder, "--data", "mine.npz")[0] == 0

    def test_an_evaluation_that_lacks_something(self, run, folder):
        (folder / "evaluation.json").write_text("{}")
        reseal(folder)
        code, _, err = run("report", folder, "--data", "mine.npz")
        assert code == 1
        assert run(*advised(err))[0] == 0
        assert run("report", folder, "--data", "mine.npz")[0] == 0

    def test_a_run_that_was_interrupted(self, run, folder):
        interrupted(folder)
        code, _, err = run("evaluate", folder, "--data", "mine.npz")
        assert code == 1
        assert run(*advised(err))[0] == 0

    @pytest.mark.parametrize("command", ["evaluate", "report", "solve"])
    def test_data_that_are_not_named(self, command, run, evaluated):
        words = ["solve", PRESET, "--resume", "--out", evaluated] if command == "solve" else [command, evaluated]
        code, _, err = run(*words)
        assert code == 1
        assert "'mine.npz'; name them with --data." in err
        assert run(*words, "--data", "mine.npz")[0] == 0

    def test_a_folder_that_holds_a_run(self, run, folder):
        code, _, err = run("solve", PRESET, "--data", "mine.npz", "--eps", "0.15", "--out", folder)
        assert code == 1
        assert "pass --resume to go on with it" in err
        assert run("solve", PRESET, "--data", "mine.npz", "--out", folder, "--resume")[0] == 0

    def test_a_page_that_is_a_folder(self, run, evaluated):
        words = ("report", evaluated, "--data", "mine.npz", "--out")
        Path("pages").mkdir()
        err = run(*words, "pages")[2]
        (better,) = re.findall(r"pass --out (\S+)\.$", err)
        assert run(*words, better)[0] == 0


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (["--epochs", "0"], r"pass (--epochs=1) or more"),
        (["--batch-size=-3"], r"pass (--batch-size=1) or more"),
        (["--inner-steps", "0"], r"pass (--inner-steps=1) or more"),
        (["--seed=-1"], r"pass (--seed=0) or more"),
        (["--data", "mine.npz"], r"pass (--eps=0\.03), say"),
        (["--crop", "8"], r"pass (--crop=1), say"),
        (["--early-stopping", "--validate-every", "0"], r"pass (--validate-every=100), say"),
    ],
)
def test_of_settings(wrong, advice, run):
    archive()
    words = ("solve", "adversarial/digits-pgm-2", "--epochs", "1", "--eps", "0.1", "--data", "mine.npz")
    words = words if wrong[0] != "--data" else words[:4]
    code, _, err = run(*words, *wrong)
    assert code == 1
    (better,) = re.findall(advice, err)
    assert run(*words, *wrong, better)[0] == 0


def test_of_names(run):
    archive()
    for wrong in ("adversarial/digits-pgm2", "adversarial/digits-fgsmrs"):
        code, _, err = run("solve", wrong)
        assert code == 1
        (better,) = re.findall(r"did you mean '([^']+)'\?", err)
        assert run("solve", better, "--epochs", "1", "--eps", "0.1", "--data", "mine.npz")[0] == 0
    assert run(*advised(run("presets", "nonsense")[2]))[0] == 0


def test_of_names_in_capitals_and_of_families(run):
    archive()
    (better,) = re.findall(r"did you mean '([^']+)'\?", run("solve", "Adversarial/Digits-FGSM-RS")[2])
    assert better == "adversarial/digits-fgsm-rs"
    for family in ("adversarial", "gail/", "games"):
        err = run("solve", family)[2]
        assert "is a family of presets; choose one of them" in err
        assert run(*advised(err))[0] == 0
    err = run("solve", "games/ridge-3")[2]  # a method is missing
    assert "names go on from there, such as 'games/ridge-3-gram-games'" in err
    assert "games/ridge-3-gram-games" in run(*advised(err))[1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--attacker-width", "4"], "--attacker-width must be left out, because PGM-2 has no network."),
        (["--classifier", "wrn-9-1"], "classifier='wrn-9-1' cannot be made: depth must be at least 10"),
    ],
)
def test_settings_are_called_by_their_options(wrong, named, run):
    archive()
    code, _, err = run("solve", "adversarial/digits-pgm-2", "--eps", "0.1", "--data", "mine.npz", *wrong)
    assert code == 1
    assert named in err


def test_of_too_few_images(run, solved):
    code, _, err = run("evaluate", solved, "--data", "mine.npz", "--images", "0")
    assert code == 1
    (better,) = re.findall(r"pass (--images=1) or more", err)
    assert run("evaluate", solved, "--data", "mine.npz", better)[0] == 0


def test_of_jobs(run):
    for command in (["demo"], ["benchmark", "digits"]):
        for wrong in ("0", "-2", "-100"):
            code, out, err = run(*command, f"--jobs={wrong}")
            assert (code, out) == (1, "")
            assert f"--jobs must be at least {'1, or -1 for one per core' if wrong == '0' else -1}" in err


def test_of_classes_numbered_from_1(run, recwarn):
    words = ("solve", "adversarial/digits-plain", "--epochs", "1", "--eps", "0.1", "--data", "mine.npz", "--out")
    archive(y_train=np.arange(60) % 4 + 1, y_test=np.arange(20) % 4 + 1)
    assert run(*words, "from-1")[0] == 0
    (told,) = (str(one.message) for one in recwarn if "class 0" in str(one.message))
    assert told.endswith("number the classes from 0: labels - 1.")
    archive()
    recwarn.clear()
    assert run(*words, "from-0")[0] == 0
    assert not [one for one in recwarn if "class 0" in str(one.message)]
