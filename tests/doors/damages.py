"""What happens to files: cut short, a bit flipped, something else under their name, gone."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Damage = Callable[[Path], None]


class Bomb:
    """Fails the test that unpickles it."""

    def __reduce__(self):
        return eval, ("1 / 0",)


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.zeros(3))
    return file.getvalue()


OTHERS = (
    b"",
    b"\0" * 64,
    b"{}",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"\x89HDF\r\n\x1a\n",
    pickle.dumps(Bomb()),
    _npz(),
)


def _cut(share: float) -> Damage:
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


def _flip(share: float, bit: int) -> Damage:
    def damage(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[int(share * len(content))] ^= 1 << bit
        file.write_bytes(content)

    return damage


def _other(content: bytes) -> Damage:
    return lambda file: file.write_bytes(content) and None


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


PLACES = st.floats(0, 1, exclude_max=True)
DAMAGES: SearchStrategy[Damage] = (
    st.builds(_flip, PLACES, st.integers(0, 7))
    | st.builds(_cut, PLACES)
    | st.sampled_from([_other(content) for content in OTHERS])
    | st.sampled_from([Path.unlink, _folder])
)
