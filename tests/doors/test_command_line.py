"""Every option of every command, with what makes no sense for it."""

from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from doors.door import knocked
from folders import files
from hypothesis import given
from hypothesis import strategies as st
from own_images import archive

from minimax_l2l import cli
from minimax_l2l.lab.family import load_families
from minimax_l2l.lab.preset import shown
from minimax_l2l.training.iteration import Iteration

PRESETS = ("adversarial/digits-pgm-10", "gail/cartpole-gail-adam", "games/limit-cycle-rnn-l2l")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).filter(
    lambda word: word != "None"  # which is what an option has that was not given
)


def is_number(word: str) -> bool:
    try:
        return float(word) is not None
    except ValueError:
        return False


def is_fraction(word: str) -> bool:
    """Whether it is two numbers with a slash between them, the second of which may be divided by."""
    above, _, below = word.partition("/")
    return is_number(above) and is_number(below) and float(below) != 0


NO_NUMBER = TEXT.filter(lambda word: not is_number(word)) | st.sampled_from(["", "nan", "1,5", "8/255", "0x1"])
WRONG = {
    int: NO_NUMBER | st.sampled_from(["-1", "-9999999999999", "1.5", "1e3", "inf", str(10**30)]),
    float: NO_NUMBER.filter(lambda word: not is_fraction(word))
    | st.sampled_from(["-1", "-1e-300", "inf", "-inf", "1e999", "8/0", "1/2/3", "-8/255", "nan/1", "1/"]),
    str: TEXT | st.sampled_from(["", "resnet", "wrn-34", "nowhere:make", "os:sep", "os.path:join", "os:"]),
    bool: TEXT | st.sampled_from(["True", "1", "yes", ""]),
    Path: st.sampled_from(["nowhere", "afile", "nowhere/at/all.npz", "afolder"]),
}
DEVICE = st.sampled_from(["", "tpu", "cuda:x", "cuda:99", "cuda", "CPU", "cpu cuda", "-1", "None"]) | TEXT.filter(
    lambda word: word not in ("auto", "cpu") and not word.startswith("cuda")
)
NO_FOLDER = st.sampled_from(["afile", "afile/run"])


def wrong(hint: object) -> st.SearchStrategy[str]:
    """What makes no sense for an option of this type."""
    if get_origin(hint) is Literal:
        return TEXT.filter(lambda word: word not in get_args(hint)) | st.sampled_from(["", "bf16", "one cycle"])
    return WRONG[next(one for one in (get_args(hint) or (hint,)) if one is not type(None))]


def options_of(name: str) -> dict[str, st.SearchStrategy[str]]:
    preset = next(family.presets[name] for family in load_families().values() if name in family.presets)
    hints = get_type_hints(type(preset))
    own = {one: wrong(hints[one]) for one in shown(preset)}
    return {**own, "out": NO_FOLDER, "device": DEVICE, "resume": WRONG[bool]}


COMMANDS = {
    ("demo",): {"jobs": WRONG[int].filter(lambda word: word != "-1") | st.just("0"), "out": NO_FOLDER},
    ("evaluate", "arun"): {"device": DEVICE, "batch-size": WRONG[int] | st.just("0"), "data": WRONG[Path]},
    ("audit", "robust"): {
        "device": DEVICE,
        "batch-size": WRONG[int] | st.just("0"),
        "images": WRONG[int] | st.just("0"),
        "data": WRONG[Path],
    },
    ("report", "arun"): {"out": st.just("afile/page.html"), "data": WRONG[Path]},
    ("benchmark", "digits"): {
        "jobs": WRONG[int].filter(lambda word: word != "-1") | st.just("0"),
        "out": NO_FOLDER,
    },
    **{("solve", name): options_of(name) for name in PRESETS},
}
CASES = [(words, option) for words, wrong in COMMANDS.items() for option in wrong]


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder with a run, a file, a folder, and data of one's own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        Path("afile").write_text("precious")
        Path("afolder").mkdir()
        archive()
        words = ("--iterations", "1", "--games", "1", "--inner-steps", "16", "--out", "arun", "--device", "cpu")
        assert cli.main(["solve", PRESETS[2], *words]) == 0
        assert cli.main(["evaluate", "arun", "--device", "cpu"]) == 0
        words = ("--train-images", "64", "--epochs", "1", "--out", "robust", "--device", "cpu")
        assert cli.main(["solve", "adversarial/digits-fgsm-rs", *words]) == 0
    return home


def said_of(words, capsys) -> tuple[object, str]:
    try:
        code: object = cli.main(list(words))
    except SystemExit as exit:
        code = exit.code
    captured = capsys.readouterr()
    return code, " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize(("words", "option"), CASES, ids=lambda one: one if isinstance(one, str) else " ".join(one))
@given(data=st.data())
def test_wrong_values_are_refused(words, option, data, home, monkeypatch, capsys):
    """Exit code 1 or 2, the option named, nothing written."""
    monkeypatch.chdir(home)
    monkeypatch.setattr(Iteration, "__call__", lambda *_: pytest.fail("goes through"))
    flag = f"--{option.replace('_', '-')}"
    value = data.draw(COMMANDS[words][option])
    before = files(".")
    code, said = said_of([*words, f"{flag}={value}"], capsys)
    knocked[" ".join(words)] = knocked.get(" ".join(words), 0) + 1
    assert code in (1, 2), (flag, value, said)
    assert "Traceback" not in said
    assert any(word in said for word in (flag, option, *ALSO.get(option, ()))), (flag, value, said)
    if code == 1:
        assert said.startswith("minimax-l2l: "), said
        assert said.endswith((".", "?")), said
    assert files(".") == before


# What a sentence may speak of instead: the file that was named; an option that takes no value leaves one behind.
ALSO = {
    "data": ("nowhere", "afile", "afolder"),
    "out": ("afile",),
    **dict.fromkeys(("resume", "flip", "early_stopping"), ("Unrecognized options",)),
}


@pytest.mark.parametrize(
    "words", [["presets", "--all"], ["solve"], ["report"], ["evaluate"], ["evaluate", "a", "b"]]
)
def test_other_usage(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said = said_of(words, capsys)
    assert code in (1, 2)
    assert said
    assert not files(".")
