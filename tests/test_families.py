"""How the command line finds tasks, and what it does when a stranger's module is in the way."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from minimax_l2l import LearnedOptimizer
from minimax_l2l.families import GROUP, ForeignModuleError, Settings, family_of, load_families
from tasks.adversarial.presets.methods import METHODS


class TestSettings:
    def test_changes_are_what_is_not_the_presets_own(self):
        assert Settings().changes() == {"seed": 0}
        assert Settings(seed=3, eps=0.1, inner_steps=0).changes() == {"seed": 3, "eps": 0.1, "inner_steps": 0}

    def test_a_data_file_is_kept_by_its_name_alone(self):
        assert Settings(data=Path("/home/anna/mine.npz")).changes() == {"seed": 0, "data": "mine.npz"}

    @pytest.mark.parametrize("seed", [0, 2**32 - 1])
    def test_seeds(self, seed):
        assert Settings(seed=seed).seed == seed

    @pytest.mark.parametrize(
        ("seed", "error", "sentence"),
        [
            (-1, ValueError, "seed must be at least 0, got -1"),
            (2**32, ValueError, "seed must lie below 4294967296, got 4294967296"),
            (1.5, TypeError, "seed must be an integer, got float 1.5"),
            (True, TypeError, "seed must be an integer, got bool True"),
        ],
    )
    def test_seeds_that_make_no_sense(self, seed, error, sentence):
        with pytest.raises(error, match=sentence):
            Settings(seed=seed)


class TestLoading:
    def test_the_families_of_this_package(self):
        assert {"adversarial", "games"} <= load_families().keys()

    def test_every_preset_begins_with_its_familys_name(self):
        for name, family in load_families().items():
            assert family.presets()
            assert all(preset.startswith(f"{name}/") for preset in family.presets())

    def test_every_learned_method_ends_in_l2l_and_nothing_else_contains_it(self):
        for name, method in METHODS.items():
            learns = isinstance(method.make(0.1, method.steps, 1), LearnedOptimizer)
            assert name.endswith("-l2l") == learns
            assert ("l2l" in name) == learns

    def test_family_of(self):
        families = load_families()
        assert family_of("games/limit-cycle-rnn-l2l", families) is families["games"]

    @pytest.mark.parametrize(
        ("preset", "hint"),
        [
            ("adversarial/digits-pgm10", "did you mean 'adversarial/digits-pgm-10'?"),
            ("games/limit-cycle", "did you mean 'games/limit-cycle-rnn-l2l'?"),
            ("???", "choose one of: adversarial/digits-"),
        ],
    )
    def test_family_of_an_unknown_preset(self, preset, hint):
        with pytest.raises(ValueError, match="there is no preset") as caught:
            family_of(preset, load_families())
        assert hint in str(caught.value)


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """A folder first on the path, and an entry point that names a module `strange` in it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange", raising=False)
    point = EntryPoint("strange", "strange.presets:FAMILY", GROUP)
    monkeypatch.setattr("minimax_l2l.families.entry_points", lambda group: [point])
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
