"""What a result was measured with, and nothing about whose machine it was."""

import json
import platform
import re
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from minimax_l2l.lab import environment
from minimax_l2l.lab.environment import describe_environment


def test_fields():
    described = describe_environment({"digits": "abc"})
    assert set(described) == {"versions", "machine", "command", "commit", "date", "data_sha256"}
    assert described["data_sha256"] == {"digits": "abc"}
    assert "data_sha256" not in describe_environment()
    assert described["versions"]["python"] == platform.python_version()
    assert described["versions"]["torch"] == version("torch")
    assert described["machine"]["torch_threads"] == 1
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", described["date"])


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["/usr/bin/minimax-l2l", "solve", "games/a-l2l"], "minimax-l2l solve games/a-l2l"),
        (["/x/minimax_l2l/__main__.py", "presets"], "minimax-l2l presets"),
        (["minimax-l2l", "solve", "p", "--out", "/elsewhere/run"], "minimax-l2l solve p --out run"),
        (["minimax-l2l", "solve", "p", "--out=/elsewhere/run"], "minimax-l2l solve p --out=run"),
        (
            ["minimax-l2l", "solve", "p", "--out", "runs/a", "--eps=0.1"],
            "minimax-l2l solve p --out runs/a --eps=0.1",
        ),
        (["", "--seed", "1"], " --seed 1"),
    ],
)
def test_the_command_keeps_no_folder_of_the_machine(arguments, command, monkeypatch):
    monkeypatch.setattr(sys, "argv", arguments)
    assert describe_environment()["command"] == command


def test_no_trace_of_the_machine(monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(Path.cwd() / "script.py"), str(Path.home() / "data.npz")])
    text = json.dumps(describe_environment())
    assert not re.search(r'"/|[ =]/', text)
    assert str(Path.cwd()) not in text
    assert f'"{socket.gethostname()}"' not in text


def test_packages_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("torch", "no-such-package-of-anyone"))
    assert set(describe_environment()["versions"]) == {"python", "torch"}


def test_an_installed_package_has_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "__file__", str(tmp_path / "site-packages" / "minimax_l2l" / "lab" / "e.py"))
    assert describe_environment()["commit"] is None


def test_no_git(monkeypatch):
    def fail(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(environment.subprocess, "run", fail)
    assert describe_environment()["commit"] is None
