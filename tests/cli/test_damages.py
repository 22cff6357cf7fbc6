"""Whatever happens to a file of a run's folder is seen by whoever reads it, in Python as on the command line.

Every file is cut short, has bits flipped, is replaced by another run's, by a pickle, by nothing.
Afterwards the run is resumed, evaluated and reported: whoever reads that file refuses in a sentence and leaves the
folder as it is.
"""

import pickle
from collections import Counter
from pathlib import Path

import pytest
from folders import files

from minimax_l2l import DamagedRunError
from minimax_l2l.lab import load_families, play, preset_of, read_solution
from tasks.adversarial.presets.pages import sections
from tasks.adversarial.presets.runs import load_run

PRESET = "adversarial/digits-grad-l2l"
UNREAD = ("README.md", "tensorboard")  # a model's card and curves for people: no command reads them
FLIPS = 2


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


def damages(file: Path, other: Path):
    """By name, what the file may hold instead; None if it is gone."""
    whole = file.read_bytes()
    for part in (0, 2):
        yield f"cut at {part} / 4", whole[: len(whole) * part // 4]
    yield "the last byte gone", whole[:-1]
    for place in range(FLIPS):
        at = place * (len(whole) - 1) // (FLIPS - 1)
        yield f"a bit flipped at {at}", whole[:at] + bytes([whole[at] ^ (1 << place % 8)]) + whole[at + 1 :]
    yield "a pickle", pickle.dumps(Bomb())
    yield "nothing", None
    if other.is_file() and other.read_bytes() != whole:
        yield "another run's", other.read_bytes()


def resume(run, folder):
    code, _, err = run("solve", PRESET, "--data", "mine.npz", "--out", folder, "--resume")
    return code, err


def report(run, folder):
    code, _, err = run("report", folder, "--data", "mine.npz", "--out", "page.html")
    return code, err


def measure(run, folder):
    code, _, err = run("evaluate", folder, "--data", "mine.npz", "--device", "cpu")
    return code, err


def in_python(_, folder):
    families = load_families()
    try:
        preset, _ = preset_of(folder, families, data=Path("mine.npz"))
        load_run(preset, folder)
        read_solution(folder)
        sections([folder], data=Path("mine.npz"))
    except (DamagedRunError, ValueError) as error:
        return 1, str(error)
    return 0, ""


def resume_in_python(_, folder):
    families = load_families()
    try:
        preset, _ = preset_of(folder, families, data=Path("mine.npz"))
        play(PRESET, preset, folder, resume=True, device="cpu")
    except ValueError as error:
        return 1, str(error)
    return 0, ""


@pytest.mark.parametrize("read", [resume, resume_in_python, measure, report, in_python])
def test_every_damage_of_every_file(read, run, measured, other):
    """Seen where the file is read; nothing is lost, no code is run."""
    seen: Counter[str] = Counter()
    for file in sorted(path for path in measured.rglob("*") if path.is_file()):
        name = file.relative_to(measured).as_posix()
        if any(part in name for part in UNREAD) or not needed(read, name):
            continue
        keep, before = file.read_bytes(), files(measured)
        for damage, content in damages(file, other / name):
            if content is None:
                file.unlink()
            else:
                file.write_bytes(content)
            spoiled = files(measured)
            code, said = read(run, measured)
            assert not Path("exploded").exists()
            assert code, (name, damage, "loaded silently")
            assert said.endswith((".", "?")), (name, damage, said)
            assert files(measured) == spoiled, (name, damage, "something was lost")
            seen[name] += 1
            file.write_bytes(keep)
            assert files(measured) == before
    print(read.__name__, sum(seen.values()), dict(seen))
    assert len(seen) >= 3, seen


def needed(read, name: str) -> bool:
    """Whether somebody reads this file on the way."""
    weights = name.startswith(("model/", "optimizer/"))
    if read in (resume, resume_in_python):
        return name in ("config.json", "checksums.json", "checkpoint/state.pt", "metrics.jsonl") or weights
    if read is measure:
        return name in ("config.json", "checksums.json", "solution.json") or weights
    if name == "solution.json":
        return read is in_python
    return "checkpoint" not in name
