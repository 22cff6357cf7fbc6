"""The command line as a whole: usage, what needs no torch, signals and exit codes of a real process."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minimax_l2l import __version__, cli
from minimax_l2l.__main__ import entry as entry_of_command
from minimax_l2l.lab.family import load_families

PRESET = "adversarial/digits-grad-l2l"


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["solev"],
            ["solve"],
            ["solve", PRESET, "--epochs", "many"],
            ["solve", PRESET, "--no-such-option", "1"],
            ["solve", PRESET, "--eps", "small"],
            ["evaluate"],
            ["audit"],
            ["report", "--out"],
        ],
        ids=" ".join,
    )
    def test_wrong_usage_is_2(self, words, capsys):
        with pytest.raises(SystemExit) as exit:
            cli.main(words)
        assert exit.value.code == 2
        assert capsys.readouterr().err

    @pytest.mark.parametrize("words", [["--help"], ["solve", "--help"], ["report", "--help"]], ids=" ".join)
    def test_help_is_0(self, words, capsys):
        with pytest.raises(SystemExit) as exit:
            cli.main(words)
        assert exit.value.code == 0
        assert capsys.readouterr().out

    def test_every_command_that_the_design_names(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["--help"])
        out = capsys.readouterr().out
        assert all(name in out for name in ("demo", "presets", "solve", "evaluate", "audit", "report", "benchmark"))


# In the script for a shell, one family is whole and others have three presets each: with all of them it takes long
# to write and to read.
LIGHT = """
import contextlib, io, json, sys
from dataclasses import replace
from minimax_l2l import cli
from minimax_l2l.cli import solving
load = solving.load_families
every = load()
few = {name: replace(one, presets=dict(list(one.presets.items())[:3])) for name, one in every.items()}
shown = {**few, "adversarial": every["adversarial"]}
for words in json.loads(sys.argv[1]):
    solving.load_families = (lambda: shown) if "--tyro" in words[0] else load
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = cli.main(words)
        except SystemExit as exit:
            code = exit.code
    assert "torch" not in sys.modules, words
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
ANSWERS = [
    (["--help"], "benchmark"),
    (["--version"], __version__),
    (["presets", "digits"], PRESET),
    (["solve", "--help"], "PRESET"),
    (["solve", PRESET, "--help"], "--inner-steps"),
    (["solve", "--help", "games/limit-cycle-rnn-l2l"], "--games"),
    (["evaluate", "--help"], "--device"),
    (["--tyro-print-completion", "bash"], PRESET),
]
READ = (["evaluate"], ["report"], ["solve", PRESET, "--resume", "--out"])
NO_RUN = {"empty": b"", "cut": b"{", "list": b"[]", "bare": b"{}", "pickle": b"\x80\x04.", "none": None}
MISSPELT = ["solve", "adversarial/digits-gradl2l"]


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """By command, its exit code and what it writes to both outputs; one process of its own for all of them."""
    folder = tmp_path_factory.mktemp("light")
    for name, content in NO_RUN.items():
        (folder / name).mkdir()
        if content is not None:
            (folder / name / "config.json").write_bytes(content)
    commands = [words for words, _ in ANSWERS] + [[*words, name] for words in READ for name in NO_RUN] + [MISSPELT]
    process = [sys.executable, "-c", LIGHT, json.dumps(commands)]
    done = subprocess.run(process, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [tuple(json.loads(line)) for line in done.stdout.splitlines()]
    return {" ".join(words): answer for words, answer in zip(commands, answers, strict=True)}


class TestWithoutTorch:
    @pytest.mark.parametrize(("words", "shown"), ANSWERS, ids=[" ".join(words) for words, _ in ANSWERS])
    def test_answers(self, words, shown, light):
        code, out, err = light[" ".join(words)]
        assert (code or 0, err) == (0, "")
        assert shown in out

    def test_says_what_is_wrong(self, light):
        code, out, err = light[" ".join(MISSPELT)]
        assert (code, out) == (1, "")
        assert "did you mean 'adversarial/digits-grad-l2l'?" in err

    @pytest.mark.parametrize("words", READ, ids=" ".join)
    @pytest.mark.parametrize("name", NO_RUN)
    def test_says_that_a_folder_holds_no_run(self, words, name, light):
        code, out, err = light[" ".join([*words, name])]
        assert (code, out) == (1, "")
        assert err.startswith(f"minimax-l2l: {name}")

    def test_the_version_alone(self, light):
        assert light["--version"][1] == f"{__version__}\n"


@pytest.fixture(scope="module")
def script(tmp_path_factory, light):
    """What a user's shell reads."""
    file = tmp_path_factory.mktemp("completion") / "minimax-l2l.bash"
    file.write_text(light["--tyro-print-completion bash"][1])
    return file


class TestCompletion:
    """In a real shell, as far as it can be driven from outside."""

    @pytest.fixture
    def completed(self, script):
        bash = shutil.which("bash")
        if bash is None:
            pytest.skip("there is no bash here")

        def complete(*words: str) -> list[str]:
            typed = " ".join(f"'{word}'" for word in ("minimax-l2l", *words))
            code = (
                f"source {script}; COMP_WORDS=({typed}); COMP_CWORD={len(words)}; "
                'COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}; '
                "$(complete -p minimax-l2l | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' \"${COMPREPLY[@]}\""
            )
            done = subprocess.run([bash, "-c", code], capture_output=True, text=True)
            assert done.stderr == ""
            return done.stdout.split()

        return complete

    def test_of_commands(self, completed):
        assert set(completed("")) == {"-h", "--help", *cli.COMMANDS}

    def test_of_presets(self, completed):
        known = {name for family in load_families().values() for name in family.presets}
        assert set(completed("solve", "adv")) == {name for name in known if name.startswith("adversarial/")}

    def test_of_a_presets_own_settings(self, completed):
        assert completed("solve", PRESET, "--inner") == ["--inner-steps"]
        assert completed("solve", "adversarial/digits-plain", "--inner") == []


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "minimax_l2l", *words]


class TestProcess:
    """The same through a real process, where signals and exit codes are the system's."""

    @pytest.fixture(autouse=True)
    def one_thread(self, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def test_a_warning_is_a_sentence_and_said_once(self):
        play = "cli.main = lambda **_: [warnings.warn('y explodes') for _ in range(2)] and None; cli.entry()"
        script = f"import warnings; warnings.simplefilter('always'); from minimax_l2l import cli; {play}"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "minimax-l2l: y explodes\n")

    def test_failed_with_a_sentence_is_1(self):
        done = subprocess.run(command("solve", "adversarial/digits-gradl2l"), capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.strip() == (
            "minimax-l2l: there is no preset 'adversarial/digits-gradl2l'; "
            "did you mean 'adversarial/digits-grad-l2l'?"
        )

    def test_ctrl_c_is_130_and_resume_ends_bit_identical(self, run):
        words = ("solve", PRESET, "--epochs", "2", "--device", "cpu")
        assert run(*words, "--out", "straight")[0] == 0
        process = subprocess.Popen(
            command(*words, "--out", "stopped"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        metrics = Path("stopped/metrics.jsonl")
        while not (metrics.exists() and metrics.read_text()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, "Traceback" in err) == (130, False)
        assert "The run was interrupted; resume it to go on." in out
        assert 0 < json.loads(Path("stopped/solution.json").read_text())["steps"] < 38
        assert run(*words, "--out", "stopped", "--resume")[0] == 0
        for name in ("model/model.safetensors", "optimizer/model.safetensors"):
            assert Path("stopped", name).read_bytes() == Path("straight", name).read_bytes()
        rows = []
        for folder in ("straight", "stopped"):
            lines = Path(folder, "metrics.jsonl").read_text().splitlines()
            rows.append([{**json.loads(line), "seconds": None} for line in lines])
        assert rows[0] == rows[1]
        assert len(rows[0]) == 4


def test_ctrl_c_while_it_is_being_loaded_is_130(monkeypatch, capsys):
    class Loading:
        """A module that is interrupted on its way."""

        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "minimax_l2l.cli", Loading())
    with pytest.raises(SystemExit) as end:
        entry_of_command()
    assert end.value.code == 130
    assert capsys.readouterr().err == "minimax-l2l: interrupted.\n"
