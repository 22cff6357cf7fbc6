"""Files that appear whole, and folders that are known to be writable before work is done for them."""

import os
from pathlib import Path

import pytest

from minimax_l2l.files import require_place


@pytest.mark.parametrize("folder", [".", "new", "new/and/deeper", "there", "there/more", "../new"])
def test_a_folder_that_can_be_written_to_is_left_as_it_was(folder, tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.parent.rglob("*"))
    require_place("out", Path(folder))
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize("folder", ["afile", "afile/x", "afile/x/y", "/dev/null/x"])
def test_a_file_is_no_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("afile").write_text("")
    with pytest.raises(ValueError, match=r"(afile|null) is a file and no folder; choose another out=\.$"):
        require_place("out", Path(folder))


@pytest.mark.parametrize("folder", ["/proc/x", "/proc/self/x/y", "x" * 300, "a\0b"])
def test_a_place_where_nothing_can_be(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"cannot be written to \((?!.*trying).*\); choose another out=\.$"):
        require_place("out", Path(folder))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ValueError, match=r"locked/x cannot be written to .*Permission denied"):
        require_place("out", tmp_path / "locked" / "x")
