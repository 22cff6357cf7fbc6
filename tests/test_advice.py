"""What errors, docstrings and guides tell people to import or to call is there, where they say."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import gymnasium
import pytest
import sb3_contrib
import stable_baselines3
from gymnasium import spaces
from stable_baselines3.common import callbacks, utils, vec_env

import minimax_l2l
import minimax_l2l.lab
import tasks.gail

ROOT = Path(__file__).parents[1]
SOURCES = sorted(file for folder in ("minimax_l2l", "tasks/gail") for file in (ROOT / folder).rglob("*.py"))
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
HOMES = (
    minimax_l2l,
    minimax_l2l.lab,
    tasks.gail,
    gymnasium,
    spaces,
    stable_baselines3,
    sb3_contrib,
    callbacks,
    utils,
    vec_env,
)
GROUPS = {"minimax_l2l.presets"}  # of entry points


def words(file: Path) -> Iterator[str]:
    """All that a file says to people: a guide's text, a module's strings."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def sentences(file: Path) -> Iterator[str]:
    """What a module says where it raises."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise):
            parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
            yield from (part for part in parts if isinstance(part, str))


DOTTED = sorted(
    {
        name
        for file in [*SOURCES, *GUIDES]
        for said in words(file)
        for name in re.findall(r"(?<![\w./:-])(?:tasks|minimax_l2l)(?:\.[A-Za-z_]\w*)+(?![\w/-])", said)
    }
    - GROUPS
)
CALLED = sorted(
    {
        name
        for file in SOURCES
        for said in sentences(file)
        for name in re.findall(r"(?<![\w.])([A-Z][a-z]*[A-Z]?\w*)(?:\(|\.[a-z]\w*)", said)
        if any(letter.islower() for letter in name)
    }
)


def test_there_is_something_to_look_at():
    assert {"tasks.gail.record", "tasks.gail.GAIL", "minimax_l2l.testing.check_problem"} <= set(DOTTED)
    assert {"Recipe", "GradientFeatures", "Free", "EvalCallback"} <= set(CALLED)


@pytest.mark.parametrize("name", DOTTED)
def test_a_dotted_name_leads_somewhere(name):
    resolve_name(name)


@pytest.mark.parametrize("name", CALLED)
def test_what_an_error_tells_people_to_call_is_public(name):
    assert any(hasattr(home, name) for home in HOMES)


@pytest.mark.parametrize("file", GUIDES, ids=lambda file: file.name)
def test_what_a_guide_imports_is_there(file):
    for home, names in re.findall(r"^from ((?:tasks|minimax_l2l)[\w.]*) import ([\w, ]+)$", file.read_text(), re.M):
        for name in names.split(","):
            assert hasattr(import_module(home), name.strip())
