"""How the command line finds tasks, and what it does when a stranger's module is in the way."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pkgutil import resolve_name

import pytest

from minimax_l2l.lab.family import GROUP, ForeignModuleError, find_preset, load_families


class TestLoading:
    def test_the_families_of_this_package(self):
        assert {"adversarial", "games"} <= load_families().keys()

    def test_every_preset_begins_with_its_familys_name(self):
        for name, family in load_families().items():
            assert all(preset.startswith(f"{name}/") for preset in family.presets)

    def test_every_function_that_a_family_names_is_there(self):
        for family in load_families().values():
            named = [family.report, family.demo, *family.benchmarks.values()]
            assert all(callable(resolve_name(name)) for name in named if name is not None)

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
    point = EntryPoint("strange", "strange.presets:FAMILY", GROUP)
    monkeypatch.setattr("minimax_l2l.lab.family.entry_points", lambda group: [point])
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "strange"]:
        del sys.modules[name]


EXPLODE = "raise SystemExit('a stranger was imported')"


class TestForeignModules:
    def test_anyones_family_is_found(self, strange):
        (strange / "strange").mkdir()
        (strange / "strange" / "__init__.py").write_text("")
        (strange / "strange" / "presets.py").write_text("FAMILY = 'theirs'")
        assert load_families() == {"strange": "theirs"}

    def test_a_module_in_the_way_is_named_and_not_imported(self, strange):
        (strange / "strange.py").write_text(EXPLODE)
        with pytest.raises(
            ForeignModuleError, match=r"strange\.py, not the one strange\.presets:FAMILY belongs to"
        ):
            load_families()

    def test_a_package_in_the_way_is_named_and_not_imported(self, strange):
        (strange / "strange").mkdir()
        (strange / "strange" / "__init__.py").write_text(EXPLODE)
        with pytest.raises(ForeignModuleError, match=r"strange.__init__\.py, not the one"):
            load_families()

    def test_a_package_that_is_not_there(self, strange):
        with pytest.raises(ForeignModuleError, match="'strange'"):
            load_families()

    def test_what_a_family_itself_lacks_is_not_hidden(self, strange):
        (strange / "strange").mkdir()
        (strange / "strange" / "__init__.py").write_text("")
        (strange / "strange" / "presets.py").write_text("import no_such_module_of_anyone")
        with pytest.raises(ModuleNotFoundError, match="no_such_module_of_anyone"):
            load_families()

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
        assert f"the module 'tasks' that Python finds first is {file}" in done.stderr
        assert "run the command `minimax-l2l` from another folder" in done.stderr
        assert not (tmp_path / "imported").exists()
