"""The wheel: what is in it, and that it works from anywhere, a folder with a foreign `tasks` in it included.

The wheel is unpacked into a folder of its own, which is what installing it would do, and used from there.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1]
MARKER = "open('imported', 'w').close()\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="the wheel is built with hatchling, which the test extra installs")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=SOURCE,
        check=True,
        capture_output=True,
    )
    (file,) = out.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that holds the wheel's packages and their metadata, entry points included."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture
def python(installed, tmp_path):
    """Run Python with the installed wheel in a working directory of its own."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def console_script(installed: Path, tmp_path: Path) -> str:
    """The script that pip would write for `minimax-l2l`, in a folder of its own as scripts are."""
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "minimax-l2l = minimax_l2l.__main__:entry" in entry.read_text()
    script = tmp_path / "bin" / "minimax-l2l"
    script.parent.mkdir()
    script.write_text("from minimax_l2l.__main__ import entry\nentry()\n")
    return str(script)


class TestContents:
    def test_both_packages_whole_and_nothing_else(self, wheel):
        names = zipfile.ZipFile(wheel).namelist()
        assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"minimax_l2l", "tasks"}
        for package in ("minimax_l2l", "tasks"):
            sources = {str(path.relative_to(SOURCE)) for path in (SOURCE / package).rglob("*.py")}
            assert {name for name in names if name.startswith(f"{package}/") and name.endswith(".py")} == sources
            assert f"{package}/py.typed" in names

    def test_the_demonstrations(self, wheel):
        shipped = {str(path.relative_to(SOURCE)) for path in (SOURCE / "tasks/gail/datasets").rglob("*.*")}
        assert any(name.endswith("cartpole/trpo-v0/data/main_data.hdf5") for name in shipped)
        assert shipped <= set(zipfile.ZipFile(wheel).namelist())

    def test_no_test_no_run_no_cache(self, wheel):
        names = zipfile.ZipFile(wheel).namelist()
        assert not [name for name in names if "test_" in name or "__pycache__" in name or name.startswith("runs")]

    def test_licence(self, wheel):
        assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


class TestUse:
    def test_is_what_is_used(self, python, installed):
        done = python("-c", "import minimax_l2l, tasks; print(minimax_l2l.__file__, tasks.__file__)")
        assert done.stdout.split() == [str(installed / name / "__init__.py") for name in ("minimax_l2l", "tasks")]

    def test_presets(self, python):
        done = python("-m", "minimax_l2l", "presets", "a")
        assert (done.returncode, done.stderr) == (0, "")
        assert "adversarial/digits-pgm-10" in done.stdout
        assert "games/limit-cycle-rnn-l2l" in done.stdout
        assert "gail/mountain-car-dense-l2l-paper" in done.stdout
        assert "gail/cartpole-gail-adam" in done.stdout

    def test_demonstrations_are_read_from_it_and_a_run_has_its_version_and_no_commit(self, python):
        pytest.importorskip("minari")
        code = (
            "from minimax_l2l.lab.environment import describe_environment as e; "
            "print(e()['commit'], e()['versions']['minimax-l2l']); "
            "from tasks.gail.presets.settings import SETTINGS as s; print(*s['cartpole'].demonstrations().returns)"
        )
        assert python("-c", code).stdout.split() == ["None", "0.1.0", *["500.0"] * 20]


@pytest.mark.parametrize("foreign", ["tasks.py", "tasks/adversarial/__init__.py"])
class TestForeignModules:
    @pytest.fixture(autouse=True)
    def stranger(self, foreign, tmp_path):
        """A user's own module of that name, which leaves a mark if anyone imports it."""
        file = tmp_path / foreign
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(MARKER)
        if foreign != "tasks.py":
            (tmp_path / "tasks" / "__init__.py").write_text(MARKER)

    def test_run_as_a_module_refuses_with_a_sentence(self, python, foreign, tmp_path):
        done = python("-m", "minimax_l2l", "presets", "digits")
        assert (done.returncode, done.stdout) == (1, "")
        named = "tasks.py" if foreign == "tasks.py" else "tasks/__init__.py"
        lines = done.stderr.strip().splitlines()
        assert all(line.startswith("minimax-l2l: ") for line in lines), lines
        first = f"the module 'tasks' that Python finds first is {tmp_path / named}, not the one "
        assert first in lines[0]
        assert lines[-1].startswith("minimax-l2l: no installed package brings presets")
        assert not (tmp_path / "imported").exists()

    def test_run_as_a_command_works(self, python, installed, tmp_path):
        done = python(console_script(installed, tmp_path), "presets", "digits")
        assert (done.returncode, done.stderr) == (0, "")
        assert "adversarial/digits-pgm-10" in done.stdout
        assert not (tmp_path / "imported").exists()
