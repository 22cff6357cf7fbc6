"""The other commands: lists, pages, the demo's table, benchmarks, and what is said when an extra is missing."""

import re
import sys
from pathlib import Path

import pytest
from folders import reseal

from minimax_l2l.cli import commands, terminal
from minimax_l2l.lab.family import Family, load_families
from minimax_l2l.lab.report import Section
from tasks.adversarial.presets.figures import Line
from tasks.adversarial.presets.methods import METHODS
from tasks.adversarial.presets.pages import BRIEF, brief

PRESET = "adversarial/digits-grad-l2l"


class TestPresets:
    def test_says_how_many_there_are_and_how_to_see_them(self, run):
        code, out, _ = run("presets")
        assert code == 0
        for name, family in load_families().items():
            assert re.search(rf"│ {name} +│ {len(family.presets)} +│ {next(iter(family.presets))} ", out)
        assert len(out.splitlines()) <= 12
        (words,) = re.findall(r"`minimax-l2l (.*?)`", out)
        assert run(*words.split())[1].count(f"│ {words.split()[1]}/") == len(
            load_families()[words.split()[1]].presets
        )

    def test_lists_all_of_a_family_whole(self, run):
        for family, known in load_families().items():
            code, out, _ = run("presets", family)
            assert code == 0
            lines = [one.kin[0] if one.kin else name for name, one in known.presets.items()]
            assert all(re.search(rf"│ {re.escape(line)} +│", out) for line in lines)
            assert max(map(len, out.splitlines())) <= 80

    def test_folds_a_long_list_and_says_what_the_capitals_stand_for(self, run):
        out = run("presets", "games")[1]
        assert out.count("games/FAMILY-METHOD") == 1
        told = " ".join(re.findall(r"│ +│ (.*?) +│", out))
        assert "FAMILY: xy, saddle" in told
        assert "METHOD: gram-games" in told
        assert f"That is {len(load_families()['games'].presets)} presets; more words list fewer" in out

    def test_lists_a_short_one_line_by_line(self, run):
        out = run("presets", "games", "ridge-3")[1]
        assert "games/ridge-3-gram-games" in out
        assert "FAMILY" not in out

    def test_of_names_that_the_documentation_fixes(self, run):
        out = run("presets", "adversarial")[1]
        for method in ("plain", "fgsm-rs", "pgm-2", "pgm-10", "naive-l2l", "grad-l2l", "two-step-l2l"):
            assert f"adversarial/digits-{method} " in out

    def test_lists_those_that_hold_every_word(self, run):
        out = run("presets", "DIGITS", "remembered", "l2l")[1]
        assert set(re.findall(r"\w+/[\w-]+", out)) == {
            "adversarial/digits-remembered-grad-l2l",
            "adversarial/digits-remembered-two-step-l2l",
        }

    def test_none_holds_the_words(self, run):
        code, out, err = run("presets", "digits", "nonsense")
        assert (code, out) == (1, "")
        assert (
            "there is no preset whose line holds digits and nonsense; `minimax-l2l presets` says which families"
            in err
        )


class TestReport:
    def test_is_one_page(self, run, measured):
        code, out, _ = run("report", measured, "--out", "pages/page.html", "--data", "mine.npz")
        assert (code, out.strip()) == (0, "report: pages/page.html")
        page = Path("pages/page.html").read_text()
        assert page.count("<svg") == 8
        assert "Grad L2L" in page

    def test_data_of_ones_own_must_be_named(self, run, measured):
        code, _, err = run("report", measured)
        assert code == 1
        assert "this run was trained on data of your own, 'mine.npz'; name them with --data" in err

    def test_of_a_run_that_was_not_evaluated(self, run, solved):
        code, _, err = run("report", solved)
        assert code == 1
        assert "mine has not been evaluated; run `minimax-l2l evaluate mine --data mine.npz` first" in err
        assert not Path("report.html").exists()

    def test_of_a_run_without_metrics(self, run, measured):
        (measured / "metrics.jsonl").unlink()
        code, _, err = run("report", measured, "--data", "mine.npz")
        assert code == 1
        assert "mine/metrics.jsonl cannot be read, there is no such file; start again in another folder" in err

    def test_of_a_run_without_a_preset(self, run, measured):
        (measured / "config.json").write_text("{}")
        reseal(measured)
        code, _, err = run("report", measured, "--data", "mine.npz")
        assert code == 1
        assert "mine/config.json names no preset" in err

    @pytest.mark.parametrize("content", ["{}", '{"rows": []}', "[", '{"rows": [{}], "environment": {}}'])
    def test_of_a_damaged_evaluation(self, content, run, measured):
        (measured / "evaluation.json").write_text(content)
        assert "evaluation.json is not as this run wrote it" in run("report", measured)[2]
        reseal(measured)
        code, _, err = run("report", measured)
        assert code == 1
        assert "evaluation.json" in err
        assert err.endswith("again.")

    def test_data_that_no_run_was_trained_on(self, run, measured):
        for wrong, said in (("nowhere.npz", "there is no nowhere.npz"),):
            code, _, err = run("report", measured, "--data", wrong)
            assert code == 1
            assert said in err

    def test_of_nothing(self, run):
        code, _, err = run("report")
        assert code == 1
        assert "a report needs at least one run's folder" in err

    def test_out_that_is_a_folder(self, run, measured):
        Path("pages").mkdir()
        code, _, err = run("report", measured, "--out", "pages", "--data", "mine.npz")
        assert code == 1
        assert "pages is a folder, a report needs a file name; pass --out pages/report.html" in err

    def test_where_nothing_can_be(self, run, measured):
        code, _, err = run("report", measured, "--out", "/proc/x/report.html")
        assert code == 1
        assert "/proc/x cannot be written to (No such file or directory); choose another --out." in err

    def test_in_a_folder_that_is_a_file(self, run, measured):
        Path("file").write_text("precious")
        code, _, err = run("report", measured, "--out", "file/page.html", "--data", "mine.npz")
        assert code == 1
        assert "file" in err
        assert Path("file").read_text() == "precious"


class TestMissingExtras:
    @pytest.mark.parametrize(
        ("module", "words", "extra"),
        [
            ("sklearn", ["solve", PRESET], "vision"),
            ("pyautoattack", ["evaluate", "mine", "--data", "mine.npz"], "vision"),
            ("matplotlib", ["report", "mine", "--data", "mine.npz"], "report"),
            ("jinja2", ["report", "mine", "--data", "mine.npz"], "report"),
            *((module, ["demo"], "vision") for module in ("sklearn", "pyautoattack")),
            *((module, ["demo"], "report") for module in ("matplotlib", "jinja2")),
        ],
    )
    def test_names_the_command_that_installs_it(self, module, words, extra, run, measured, monkeypatch):
        for name in [name for name in sys.modules if name.split(".")[0] == module]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
        monkeypatch.setattr(
            "tasks.adversarial.experiments.demo.play", lambda *_, **__: pytest.fail("trained first")
        )
        monkeypatch.setattr(
            "tasks.adversarial.presets.perturbed.load_run", lambda *_, **__: pytest.fail("drew first")
        )
        code, _, err = run(*words)
        assert code == 1
        assert f'needs {module}, which is not installed; install it with: pip install "minimax-l2l[{extra}]"' in err


class TestBenchmark:
    def test_an_unknown_one(self, run):
        code, _, err = run("benchmark", "digit")
        assert code == 1
        assert "there is no benchmark 'digit'; did you mean 'digits'?" in err

    def test_without_a_name_all_are_listed(self, run):
        code, out, _ = run("benchmark")
        assert code == 0
        assert {"digits", "paper-tables", "speed", "games", "gail"} <= set(out.splitlines())

    def test_in_a_log_what_is_done_is_said_once_a_minute(self, monkeypatch, capsys):
        now = [0.0]
        monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
        with terminal.working() as announce:
            for now[0], words in ((1.0, "one"), (59.0, "two"), (61.0, "three"), (90.0, "four"), (121.0, "five")):
                announce(words)
        assert capsys.readouterr().err.split() == ["three", "five"]

    def test_is_called_with_its_folder_and_its_workers(self, run, monkeypatch):
        def measure(out, *, announce, workers):
            announce("half way")
            return out / f"by-{workers}.json"

        family = Family(presets={}, benchmarks={"tosses": "tosses:measure"})
        monkeypatch.setattr(commands, "load_families", lambda: {"games": family})
        monkeypatch.setattr(commands, "load_function", {"tosses:measure": measure}.__getitem__)
        assert run("benchmark", "tosses", "--out", "new", "--jobs", "2")[:2] == (0, "results: new/by-2.json\n")

    def test_an_interrupted_one_says_how_to_go_on(self, run, monkeypatch):
        def measure(out, *, announce, workers):
            raise KeyboardInterrupt

        family = Family(presets={}, benchmarks={"tosses": "tosses:measure"})
        monkeypatch.setattr(commands, "load_families", lambda: {"games": family})
        monkeypatch.setattr(commands, "load_function", {"tosses:measure": measure}.__getitem__)
        code, _, err = run("benchmark", "tosses")
        assert code == 130
        assert "interrupted; the same command goes on from what was finished." in " ".join(err.split())


def full_rows() -> dict[Line, dict[str, object]]:
    """A row as wide as rows get, for every method."""
    accuracies = dict.fromkeys(BRIEF, 0.98765)
    counts = {"forward_passes": 137940, "input_gradient_passes": 137940, "weight_gradient_passes": 12540}
    row = {**accuracies, "train_seconds": 1234.56, **counts}
    return {Line(method.title, name): {**row} for name, method in METHODS.items()}


class TestTables:
    def test_the_demo_prints_a_table_that_fits_and_says_where_the_report_is(self, run, monkeypatch):
        rows = {line: row for line, row in full_rows().items() if not line.method.startswith("remembered")}
        for row in rows.values():
            del row["autoattack"]
        section = Section("Robustness", "Per cent of [images].", brief=brief(rows), notes=["The page alone."])
        given = []

        def shown(out, *, announce, workers):
            given.append((out, workers))
            announce("half way")
            return [section]

        families = {"none": Family(presets={}), "shown": Family(presets={}, demo="demos:shown")}
        monkeypatch.setattr(commands, "load_families", lambda: families)
        monkeypatch.setattr(commands, "load_function", {"demos:shown": shown}.__getitem__)
        code, out, _ = run("demo", "--out", "demo", "--jobs", "3")
        assert given == [(Path("demo"), 3)]
        assert code == 0
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in out
        for run_line in rows:
            (line,) = (line for line in lines if line.startswith(f"│ {run_line.title} "))
            assert line.count("98.8") == len(BRIEF) - 1
            assert line.rstrip("│ ").endswith("11/11/1")
        assert "Per cent of [images]." in out
        assert "The page alone." not in out
        assert lines[-1] == "report: demo/report.html"
        assert Path("demo/report.html").is_file()

    def test_no_demo(self, run, monkeypatch):
        monkeypatch.setattr(commands, "load_families", lambda: {"none": Family(presets={})})
        code, _, err = run("demo")
        assert code == 1
        assert "no installed package brings a demo" in err
