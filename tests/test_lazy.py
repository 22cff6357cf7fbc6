"""Public names are imported when they are asked for, and are those that type checkers see."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

PACKAGES = ("minimax_l2l", "minimax_l2l.lab", "tasks.adversarial", "tasks.games")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    module = importlib.import_module(package)
    assert module.__all__
    for name in module.__all__:
        value = getattr(module, name)
        assert vars(module)[name] is value
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__name__ == name


@pytest.mark.parametrize("package", [*PACKAGES, "tasks.gail"])
def test_no_public_name_is_that_of_a_module(package):
    """Once the module is imported, Python finds it under the name instead."""
    door = importlib.import_module(package)
    assert not set(door.__all__) & {module.name for module in pkgutil.iter_modules(door.__path__)}


def test_no_door_imports_torch_and_a_name_does():
    doors = [package for package in PACKAGES if package != "minimax_l2l.lab"]
    name = importlib.import_module("minimax_l2l").__all__[0]
    code = (
        f"import sys, {', '.join(doors)}\n"
        "print('torch' in sys.modules)\n"
        "sys.modules['torch'] = None\n"  # so that whoever imports it is told that there is none
        f"try:\n    minimax_l2l.{name}\nexcept ModuleNotFoundError as error:\n    print(error.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "torch"]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("name", ["NoSuchName", "lazily_"])
def test_a_name_that_is_not_there(package, name):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute '{name}'"):
        getattr(importlib.import_module(package), name)


def test_a_name_is_imported_once(tmp_path, monkeypatch):
    (tmp_path / "lazy_specimen").mkdir()
    (tmp_path / "lazy_specimen" / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\nfrom minimax_l2l.lazy import lazily\n"
        "if TYPE_CHECKING:\n    from lazy_specimen.home import thing\n"
        "__getattr__ = lazily(__name__, __file__)\n"
    )
    (tmp_path / "lazy_specimen" / "home.py").write_text("thing = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("lazy_specimen")
    assert "thing" not in vars(package)
    assert package.thing is package.thing
    assert "thing" in vars(package)
