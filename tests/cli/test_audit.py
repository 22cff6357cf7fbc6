"""`minimax-l2l audit`: the table, the file in the run's folder, the exit code, and what is said of other runs."""

import functools
from dataclasses import replace
from pathlib import Path

import pytest
from folders import files

from minimax_l2l import RunFolder
from minimax_l2l.cli import commands
from minimax_l2l.lab.family import load_families
from tasks.adversarial.evaluation import symptoms
from tasks.adversarial.evaluation.checklist import ORDERS, SHARES
from tasks.adversarial.presets.runs import audit_run


@pytest.fixture(autouse=True)
def light(monkeypatch):
    """The quick AutoAttack, and a surrogate that has hardly learned anything."""
    monkeypatch.setattr("tasks.adversarial.presets.runs.audit_run", functools.partial(audit_run, tier="quick"))
    monkeypatch.setattr(symptoms, "SURROGATE_STEPS", 2)


def test_goes_on_after_ctrl_c_replaces_an_earlier_one_and_has_a_line_for_each_check(run, solved, monkeypatch):
    words = ("audit", solved, "--data", "mine.npz", "--images", "6", "--device", "cpu")
    RunFolder(solved).write_json("audit.json", {"items": []})

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tasks.adversarial.evaluation.audit.further_attacks", stop)
        code, _, err = run(*words)
    assert (code, "goes on from what has been measured" in err) == (130, True)
    assert RunFolder(solved).read_json("audit.json") == {"items": []}

    with monkeypatch.context() as patch:
        patch.setattr("tasks.adversarial.evaluation.robustness.autoattack", stop)  # which is not run again
        code, out, _ = run(*words)
    result = RunFolder(solved).read_json("audit.json")
    items = {item["name"]: item for item in result["items"]}
    assert list(items) == [rule.name for rule in (*ORDERS, *SHARES)]
    failed = [name for name, item in items.items() if item["outcome"] == "failed"]
    assert code == (1 if failed else 0)
    assert (result["eps"], result["images"]) == (0.15, 6)
    assert items["black_box"]["numbers"]["images"] == 6
    assert {"clean", "pgm_100", "autoattack_quick"} <= result["accuracies"].keys()
    assert "not applicable" not in {item["outcome"] for item in items.values()}
    assert all(name in out for name in items)
    assert max(map(len, (line for line in out.splitlines() if line.startswith("│")))) <= 80
    assert (f"{len(failed)} of 14 checks failed" if failed else "no check failed") in out
    assert not (solved / "audit.parts.json").exists()
    assert str(Path.cwd()) not in (solved / "audit.json").read_text()


def test_what_is_refused_changes_nothing(run, solved, monkeypatch):
    before = files(solved)
    for words, sentence in (
        ((solved,), "this run was trained on data of your own, 'mine.npz'; name them with --data"),
        ((solved, "--data", "mine.npz", "--images", "0"), "--images must be at least 1"),
        ((solved, "--data", "mine.npz", "--device", "cuda"), "torch sees no CUDA device"),
        (("nowhere",), "there is no folder nowhere"),
    ):
        code, out, err = run("audit", *words)
        assert (code, out) == (1, "")
        assert sentence in err
    families = {"adversarial": replace(load_families()["adversarial"], audit=None)}
    monkeypatch.setattr(commands, "load_families", lambda: families)
    code, _, err = run("audit", solved, "--data", "mine.npz")
    assert (code, "holds a run of a family that has no audit" in err) == (1, True)
    assert files(solved) == before
