"""What presets and families of one's own answer is taken, or refused in a sentence that names who answered."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from minimax_l2l import PGM
from minimax_l2l.cli import commands
from minimax_l2l.lab import runs
from minimax_l2l.lab.family import Family
from minimax_l2l.lab.preset import Built
from minimax_l2l.lab.report import Section
from minimax_l2l.lab.runs import evaluate, play

NAME = "climbs/steep"


def built(climb, **changes):
    return replace(climb.build(), **changes)


BUILDS = {
    "a tuple": (lambda climb: (climb.build().task, PGM(steps=1, step_size=0.1)), "must be a Built, got tuple"),
    "nothing": (lambda climb: None, "must be a Built, got NoneType; return Built"),
    "a task": (lambda climb: climb.build().task, "must be a Built, got Climb"),
    "the class": (lambda climb: Built, "must be a Built, got the class Built"),
    "no task": (
        lambda climb: built(climb, task=climb),
        "the task of ClimbPreset.build.* must be a Task, got Climb",
    ),
    "a class of tasks": (
        lambda climb: built(climb, task=type(climb.build().task)),
        "must be a Task, got the class",
    ),
    "no optimizer": (lambda climb: built(climb, optimizer=torch.optim.SGD), "must be an inner optimizer, got the"),
    "facts in a list": (
        lambda climb: built(climb, facts=["a"]),
        "facts of ClimbPreset.* must be plain values by name",
    ),
    "a tensor in facts": (
        lambda climb: built(climb, facts={"a": {"b": [torch.ones(2)]}}),
        r"facts of ClimbPreset.* must hold plain values, got Tensor at \['a'\]\['b'\]\[0\]",
    ),
    "facts of the config": (
        lambda climb: built(climb, facts={"settings": 1}),
        "must leave 'settings' to the run's",
    ),
}


@pytest.mark.parametrize(("build", "sentence"), BUILDS.values(), ids=BUILDS)
def test_what_build_returns(build, sentence, climb, monkeypatch, tmp_path):
    usual = type(climb).build
    answers = iter([build(climb)])
    monkeypatch.setattr(type(climb), "build", lambda preset: next(answers))
    with pytest.raises((TypeError, ValueError), match=sentence):
        play(NAME, climb, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(type(climb), "build", usual)
    play(NAME, climb, tmp_path / "run", device="cpu")


EVALUATIONS = {
    "a list": ([], "must be a dict, got list"),
    "nothing": (None, "must be a dict, got NoneType"),
    "no rows": ({"environment": {}}, "'rows' of what ClimbPreset.evaluate.* must be a list of rows, got NoneType"),
    "one row": ({"rows": {"a": 1}}, "'rows' of .* must be a list of rows, got dict"),
    "rows of numbers": ({"rows": [1]}, "each row of .* must be a dict, got int 1"),
    "a tensor": ({"rows": [{"a": torch.ones(())}]}, r"plain values, got Tensor at \['rows'\]\[0\]\['a'\]; turn"),
    "an array": ({"rows": [{"a": np.ones(2)}]}, r"plain values, got ndarray at \['rows'\]\[0\]\['a'\]"),
    "a number of NumPy's": ({"rows": [{"a": np.float32(1)}]}, r"got float32 at \['rows'\]\[0\]\['a'\]"),
    "a path": ({"rows": [], "file": Path("a")}, r"got PosixPath at \['file'\]"),
    "a set": ({"rows": [], "curves": {"a": [{1}]}}, r"got set at \['curves'\]\['a'\]\[0\]"),
    "names that are none": ({"rows": [{(1, 2): 1}]}, "must hold plain values, keys must be"),
}


@pytest.mark.parametrize(("result", "sentence"), EVALUATIONS.values(), ids=EVALUATIONS)
def test_what_evaluate_returns(result, sentence, climb, families, monkeypatch, tmp_path):
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.setattr(type(climb), "evaluate", lambda *_, **__: result)
    with pytest.raises(TypeError, match=rf"ClimbPreset\.evaluate\(\) returns.*{sentence}|{sentence}") as caught:
        evaluate(tmp_path / "run", families, announce=print)
    assert "ClimbPreset.evaluate() returns" in str(caught.value)
    assert not (tmp_path / "run" / "evaluation.json").exists()


def test_every_row_is_kept_and_printed(run, climb, families, monkeypatch, tmp_path):
    rows = [{"method": "first", "score": 0.25}, {"method": "second", "mean": 1e-7}, {"other": True, "none": None}]
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.setattr(type(climb), "evaluate", lambda *_, **__: {"rows": rows})
    monkeypatch.setattr(commands, "load_families", lambda: families)
    code, out, _ = run("evaluate", tmp_path / "run")
    assert code == 0
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text()) == {"rows": rows}
    words = [
        "method",
        "first",
        "score",
        "0.25",
        "method",
        "second",
        "mean",
        "1e-07",
        "other",
        "True",
        "none",
        "None",
    ]
    cells = [
        cell.strip() for line in out.splitlines() if line.startswith("│") for cell in line.strip("│").split("│")
    ]
    assert cells == words


LINE = {"name": "first", "outcome": "passed", "numbers": {"share": 0.5}, "meaning": "all is well"}
AUDITS = {
    "nothing": (None, "must be a dict, got NoneType"),
    "no items": ({}, "'items' of what checks:audit returns must be a list of items, got NoneType"),
    "an item of words": ({"items": ["first"]}, "each item of what checks:audit returns must be a dict, got str"),
    "an item without numbers": ({"items": [{**LINE, "numbers": None}]}, "must be numbers by name, got NoneType"),
    "an item that lacks something": ({"items": [{"name": "first"}]}, "one lacks outcome; add it"),
    "another outcome": ({"items": [{**LINE, "outcome": "pass"}]}, "did you mean 'passed'"),
    "a tensor": ({"items": [{**LINE, "numbers": {"a": torch.ones(())}}]}, "plain values, got Tensor at"),
}


@pytest.fixture
def audited(climb, monkeypatch, tmp_path):
    """A run of a family with an audit that returns what it is told."""
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "load_families", lambda: {"climbs": Family({NAME: climb}, audit="checks:audit")})

    def returns(result):
        monkeypatch.setattr(runs, "load_function", {"checks:audit": lambda *_, **__: result}.__getitem__)

    return returns


@pytest.mark.parametrize(("result", "sentence"), AUDITS.values(), ids=AUDITS)
def test_what_an_audit_returns(result, sentence, run, audited):
    audited(result)
    code, _, err = run("audit", "run")
    assert code == 1
    assert sentence in err
    assert not Path("run/audit.json").exists()


@pytest.mark.parametrize(
    ("outcome", "code", "last"), [("passed", 0, "no check failed"), ("failed", 1, "1 of 2 checks")]
)
def test_an_audit_is_kept_printed_and_decides_the_exit_code(outcome, code, last, run, audited):
    result = {
        "items": [{**LINE, "outcome": outcome}, {**LINE, "outcome": "not applicable", "numbers": {}}],
        "flags": ["odd"],
    }
    audited(result)
    found, out, _ = run("audit", "run")
    assert found == code
    assert json.loads(Path("run/audit.json").read_text()) == result
    assert all(word in out for word in ("first", outcome, "share 0.5", "all is well", "also: odd", last))


def test_a_family_without_an_audit(run, climb, families, monkeypatch, tmp_path):
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "load_families", lambda: families)
    code, _, err = run("audit", "run")
    assert code == 1
    assert "run holds a run of a family that has no audit; measure it with `minimax-l2l evaluate`, or name a" in err


PAGES = {
    "nothing": (None, "must be a list of sections, got NoneType"),
    "one section": (Section("A"), "must be a list of sections, got Section"),
    "words": (["A"], "each of what pages:report returns must be a Section, got str 'A'"),
}


@pytest.mark.parametrize(("page", "sentence"), PAGES.values(), ids=PAGES)
def test_what_a_report_returns(page, sentence, run, climb, monkeypatch, tmp_path):
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.chdir(tmp_path)
    family = Family({NAME: climb}, report="pages:report")
    monkeypatch.setattr(commands, "load_families", lambda: {"climbs": family})
    monkeypatch.setattr(commands, "load_function", {"pages:report": lambda folders, *, data: page}.__getitem__)
    code, _, err = run("report", "run")
    assert code == 1
    assert "what pages:report returns" in err
    assert sentence in err
    assert not Path("report.html").exists()


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (None, "run holds a run of a family that has no report; leave it out, or name a function in Family(report"),
        ("no_such_pages:report", "'no_such_pages:report' that a family names cannot be loaded (No module named"),
    ],
)
def test_a_family_without_a_report(report, sentence, run, climb, monkeypatch, tmp_path):
    play(NAME, climb, tmp_path / "run", device="cpu")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "load_families", lambda: {"climbs": Family({NAME: climb}, report=report)})
    code, _, err = run("report", "run")
    assert code == 1
    assert sentence in err
    assert not Path("report.html").exists()
