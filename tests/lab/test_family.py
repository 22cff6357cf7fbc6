"""How the command line finds tasks, and what it does when a stranger's module is in the way."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from minimax_l2l.lab.family import (
    GROUP,
    BrokenFamilyError,
    ForeignModuleError,
    find_preset,
    load_families,
    load_function,
    require_own_name,
)
from minimax_l2l.lab.preset import Preset


class TestLoading:
    def test_the_families_of_this_package(self):
        assert {"adversarial", "games"} <= load_families().keys()

    def test_every_preset_begins_with_its_familys_name(self):
        for name, family in load_families().items():
            assert all(preset.startswith(f"{name}/") for preset in family.presets)

    def test_every_function_that_a_family_names_is_there(self):
        for family in load_families().values():
            named = [family.report, family.demo, family.audit, *family.benchmarks.values()]
            assert all(callable(load_function(name)) for name in named if name is not None)

    def test_a_preset_and_its_family(self):
        families = load_families()
        preset, family = find_preset("games/limit-cycle-rnn-l2l", families)
        assert family is families["games"]
        assert preset is family.presets["games/limit-cycle-rnn-l2l"]

    @pytest.mark.parametrize(
        ("preset", "hint"),
        [
            ("adversarial/digits-pgm10", "did you mean 'adversarial/digits-pgm-10'?"),
            ("games/limit-cycle", "did you mean 'games/limit-cycle-rnn-l2l'?"),
            ("???", "choose one of: adversarial/digits-"),
        ],
    )
    def test_an_unknown_preset(self, preset, hint):
        with pytest.raises(ValueError, match="there is no preset") as caught:
            find_preset(preset, load_families())
        assert hint in str(caught.value)


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A folder first on the path, and an entry point that names a module `strange` in it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange", raising=False)
    points = EntryPoints([EntryPoint("strange", "strange.presets:FAMILY", GROUP)])
    monkeypatch.setattr("minimax_l2l.lab.family.entry_points", points.select)
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "strange"]:
        del sys.modules[name]


EXPLODE = "raise SystemExit('a stranger was imported')"


def written(strange, presets):
    """The stranger's package, with this module."""
    (strange / "strange").mkdir()
    (strange / "strange" / "__init__.py").write_text("")
    (strange / "strange" / "presets.py").write_text(presets)


def left_out(sentence):
    """What is said of the family by whoever loads all, and by whoever needs it."""
    with pytest.warns(UserWarning, match=sentence) as caught:
        assert load_families() == {}
    assert len(caught) == 1
    with pytest.raises(BrokenFamilyError, match=sentence) as refused:
        find_preset("strange/one", {})
    assert str(refused.value) == str(caught[0].message)
    return refused.value


OURS = """
from dataclasses import dataclass
from minimax_l2l.lab.family import Family
from minimax_l2l.lab.preset import Preset

@dataclass(frozen=True)
class Own(Preset):
    summary = "one"
    def build(self): ...
    def evaluate(self, folder, *, device, batch_size, announce): ...
"""


class TestForeignModules:
    def test_anyones_family_is_found(self, strange):
        written(strange, OURS + "FAMILY = Family({'strange/one': Own()})")
        family = load_families()["strange"]
        assert find_preset("strange/one", {"strange": family}) == (family.presets["strange/one"], family)

    def test_one_that_is_a_module_by_itself_is_found(self, strange, monkeypatch):
        (strange / "strange.py").write_text(OURS + "FAMILY = Family({'strange/one': Own()})")
        points = EntryPoints([EntryPoint("strange", "strange:FAMILY", GROUP)])
        monkeypatch.setattr("minimax_l2l.lab.family.entry_points", points.select)
        assert list(load_families()["strange"].presets) == ["strange/one"]

    def test_a_module_in_the_way_is_named_and_not_imported(self, strange):
        (strange / "strange.py").write_text(EXPLODE)
        error = left_out(r"strange\.py, not the one that they belong to")
        assert isinstance(error, ForeignModuleError)

    def test_a_package_in_the_way_is_named_and_not_imported(self, strange):
        (strange / "strange").mkdir()
        (strange / "strange" / "__init__.py").write_text(EXPLODE)
        left_out(r"strange.__init__\.py, not the one")

    def test_a_package_that_is_not_there(self, strange):
        left_out("'strange'")


BROKEN = {
    "import no_such_module_of_anyone": r"ModuleNotFoundError: No module named 'no_such_module_of_anyone'",
    "from minimax_l2l import NoSuchName": "ImportError: .*NoSuchName",
    "FAMILY = {}": r"TypeError: strange.presets:FAMILY must be a Family, got dict; make one\); mend",
    "": "AttributeError: module 'strange.presets' has no attribute 'FAMILY'",
    "1 / 0": "ZeroDivisionError",
    "def": "SyntaxError",
    "import sys; sys.exit(3)": "SystemExit: 3",
    OURS.replace("@dataclass(frozen=True)", "@dataclass"): "TypeError: cannot inherit non-frozen dataclass",
    OURS.replace("def build", "def built") + "Own()": "TypeError: .* abstract",
    OURS
    + "FAMILY = Family({'stranger/one': Own()})": "'stranger/one' must begin with 'strange/', after the name of",
    OURS + "FAMILY = Family({'one': Own()})": "the preset 'one' must begin with 'strange/'",
    OURS
    + "FAMILY = Family({'strange/one': Own})": "presets\\['strange/one'\\] must be a Preset, got the class Own",
    OURS + "FAMILY = Family([Own()])": "presets must be presets by full name, got list",
    OURS
    + "FAMILY = Family({}, report=print)": "each of report, demo, audit and benchmarks must be a function's name",
    OURS + "FAMILY = Family({}, benchmarks=['a:b'])": "benchmarks must be functions' names by name, got list",
}


@pytest.mark.parametrize(("presets", "reason"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_family_is_left_out_and_named(presets, reason, strange):
    written(strange, presets)
    left_out(rf"the presets 'strange' are left out, because the package strange cannot be loaded .*{reason}")


@pytest.mark.parametrize(
    ("module", "reason"),
    [("strange.py", "the module 'strange' that Python finds first"), ("strange/__init__.py", "ZeroDivisionError")],
)
def test_one_thing_that_breaks_several_families_is_said_once(module, reason, strange, monkeypatch):
    file = strange / module
    file.parent.mkdir(exist_ok=True)
    file.write_text("1 / 0")
    for name in ("one", "two"):
        (file.parent / f"{name}.py").write_text("")
    points = EntryPoints([EntryPoint(name, f"strange.{name}:FAMILY", GROUP) for name in ("one", "two")])
    monkeypatch.setattr("minimax_l2l.lab.family.entry_points", points.select)
    with pytest.warns(UserWarning, match=f"the presets 'one', 'two' are left out, because .*{reason}") as caught:
        assert load_families() == {}
    assert len(caught) == 1
    for name in ("one", "two"):
        with pytest.raises(BrokenFamilyError) as refused:
            find_preset(f"{name}/preset", {})
        assert str(refused.value) == str(caught[0].message)


@dataclass(frozen=True, kw_only=True)
class Other(Preset):
    """Of no family."""

    summary = "other"

    def build(self):
        raise NotImplementedError

    def evaluate(self, folder, *, device, batch_size, announce):
        raise NotImplementedError


def test_a_run_of_one_family_says_nothing_of_another(strange):
    """Nor do the processes of many runs, each of which would say it again."""
    written(strange, "1 / 0")
    require_own_name("games/mine", Other())
    with pytest.warns(UserWarning, match="the presets 'strange' are left out"):
        require_own_name("strange/mine", Other())


def test_the_commands_go_on_without_it(tmp_path):
    """The package is named as its distribution is; a command that needs it says why it is not there."""
    written(tmp_path, "import no_such_module_of_anyone")
    home = tmp_path / "odd-0.1.dist-info"
    home.mkdir()
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 0.1\n")
    (home / "entry_points.txt").write_text(f"[{GROUP}]\nstrange = strange.presets:FAMILY\n")

    def run(*words):
        path = os.pathsep.join([str(tmp_path), *sys.path])
        command = [sys.executable, "-m", "minimax_l2l", *words]
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)

    reason = (
        "minimax-l2l: the presets 'strange' are left out, because the package odd cannot be loaded "
        "(ModuleNotFoundError: No module named 'no_such_module_of_anyone'); mend that package, or uninstall it.\n"
    )
    listed = run("presets", "games")
    assert (listed.returncode, listed.stderr) == (0, reason)
    assert "games/limit-cycle-rnn-l2l" in listed.stdout
    needed = run("solve", "strange/one")
    assert (needed.returncode, needed.stdout) == (1, "")
    assert needed.stderr == reason  # once, though it is left out and needed
    played = run("solve", "games/limit-cycle-rnn-l2l", "--iterations=1", "--out", str(tmp_path / "run"))
    assert (played.returncode, played.stderr.count(reason)) == (0, 1)


class TestFunctions:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("minimax_l2l.no_such_pages:report", "No module named 'minimax_l2l.no_such_pages'"),
            ("minimax_l2l.lab.report:no_such_function", "has no attribute 'no_such_function'"),
            ("", "cannot be loaded"),
            ("no such name", "cannot be loaded"),
            ("minimax_l2l.lab.family:GROUP", "is no function; name one"),
        ],
    )
    def test_one_that_is_not_there(self, name, reason):
        with pytest.raises(BrokenFamilyError, match=f"'{name}'.*{reason}"):
            load_function(name)


class TestInTheWay:
    @pytest.mark.parametrize("command", [["presets"], ["demo"], ["solve", "games/limit-cycle-rnn-l2l"]])
    def test_it_is_said_once_of_all_families(self, command, tmp_path):
        (tmp_path / "tasks.py").write_text("1 / 0")
        done = subprocess.run(
            [sys.executable, "-m", "minimax_l2l", *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert done.stderr.count("that Python finds first") == 1
        assert "the presets 'adversarial', 'gail', 'games' are left out" in done.stderr

    @pytest.mark.parametrize("name", ["tasks.py", "tasks/__init__.py"])
    def test_in_the_working_directory_of_a_process(self, name, tmp_path):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("open('imported', 'w').close()")
        done = subprocess.run(
            [sys.executable, "-m", "minimax_l2l", "presets"], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "no installed package brings presets" in done.stderr
        assert f"the module 'tasks' that Python finds first is {file}" in done.stderr
        assert "run the command `minimax-l2l` from another folder" in done.stderr
        assert not (tmp_path / "imported").exists()
