"""Checksums beside files: what was damaged is told from what was written."""

import pytest

from tasks.gail.seals import require_unbroken, seal, sealed


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert not sealed(tmp_path)
    seal(tmp_path, ("a", "b"))
    return tmp_path


def test_whole_files_pass(folder):
    assert sealed(folder)
    require_unbroken(folder, ("a", "b"))


def test_a_folder_is_sealed_anew(folder):
    (folder / "a").write_text("other")
    seal(folder, ("a", "b"))
    require_unbroken(folder, ("a", "b"))
    (folder / "a").write_text("a")  # the one before it is no longer right
    with pytest.raises(ValueError, match=r"^a is not what checksums\.json beside it says"):
        require_unbroken(folder, ("a", "b"))


@pytest.mark.parametrize("name", ["b", "checksums.json"])
@pytest.mark.parametrize("content", [b"", b"B", b"{}", None])
def test_what_was_damaged_does_not(folder, name, content):
    (folder / name).write_bytes(content) if content is not None else (folder / name).unlink()
    with pytest.raises(ValueError, match=r"^[ab] is not what"):
        require_unbroken(folder, ("a", "b"))
