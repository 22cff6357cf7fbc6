"""From a preset to a run's folder and back: whole, resumable, and never over somebody's files."""

import hashlib
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from folders import reseal

from minimax_l2l import DamagedRunError, GradientAscent, Status
from minimax_l2l.lab.family import Family
from minimax_l2l.lab.runs import evaluate, play, preset_of

NAME = "climbs/steep"


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "run"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def config_of(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


class TestPlay:
    def test_leaves_all_that_it_takes_to_play_it_again(self, climb, out):
        solution = play(NAME, replace(climb, data=Path("/elsewhere/mine.npz")), out, device="cpu")
        assert (solution.status, solution.steps) == (Status.COMPLETED, 3)
        config = config_of(out)
        assert config.pop("environment").keys() >= {"versions", "machine", "command", "commit", "date"}
        assert config == {
            "preset": NAME,
            "settings": {"seed": 0, "data": "mine.npz", "steps": 3, "widths": [4, 2]},
            "height": 8848,
            "data_sha256": hashlib.sha256(b"mine.npz").hexdigest(),
            "game": config["game"],
        }
        assert config["game"]["task"]["class"] == type(climb.build().task).__name__

    def test_the_same_twice(self, climb, tmp_path):
        for name in ("a", "b"):
            play(NAME, climb, tmp_path / name, device="cpu")
        assert (tmp_path / "a/model/model.safetensors").read_bytes() == (
            tmp_path / "b/model/model.safetensors"
        ).read_bytes()

    def test_folders_and_data_may_be_named_by_strings(self, climb, families, out):
        play(NAME, replace(climb, data="/elsewhere/mine.npz"), str(out), device="cpu", tensorboard=True)
        assert config_of(out)["settings"]["data"] == "mine.npz"
        (row,) = evaluate(str(out), families, data="mine.npz", announce=print)["rows"]
        assert row["steps"] == 3

    def test_another_presets_name_is_refused(self, climb, out, monkeypatch):
        known = {"climbs": Family(presets={NAME: replace(climb, secret="gentle")})}
        monkeypatch.setattr("minimax_l2l.lab.family.load_families", lambda *_: known)
        with pytest.raises(
            ValueError, match="preset has secret='steep', but the preset of the name 'climbs/steep'"
        ):
            play(NAME, climb, out, device="cpu")
        assert not out.exists()
        assert play(NAME, replace(climb, secret="gentle", steps=2), out, device="cpu").steps == 2
        assert play("climbs/unknown", climb, out.with_name("other"), device="cpu").steps == 3

    @pytest.mark.parametrize("wrong", [None, "steep", 3, GradientAscent(steps=1)])
    def test_what_is_no_preset_no_name_and_no_folder(self, wrong, climb, families, out):
        with pytest.raises(TypeError, match="preset must be a Preset"):
            play(NAME, wrong, out, device="cpu")
        if not isinstance(wrong, str):
            with pytest.raises(TypeError, match="name must be the preset's full name"):
                play(wrong, climb, out, device="cpu")
            with pytest.raises(TypeError, match="folder must be a run's folder"):
                evaluate(wrong, families, announce=print)

    def test_a_device_that_is_not_there_writes_nothing(self, climb, out):
        with pytest.raises(ValueError, match="torch sees no CUDA device"):
            play(NAME, climb, out, device="cuda")
        assert not out.exists()

    def test_a_run_that_is_there_is_left_alone_or_replaced_whole(self, climb, out):
        play(NAME, climb, out, device="cpu")
        for name in ("evaluation.json", "audit.json"):
            (out / name).write_text("{}")
        (out / "notes.txt").write_text("precious")
        before = files(out)
        with pytest.raises(ValueError, match="holds a run already; pass resume=True to go on with it"):
            play(NAME, replace(climb, steps=5), out, device="cpu")
        assert files(out) == before
        assert play(NAME, replace(climb, steps=5), out, overwrite=True, device="cpu").steps == 5
        assert not any((out / name).exists() for name in ("evaluation.json", "audit.json"))
        assert (out / "notes.txt").read_text() == "precious"

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("model/weights", "precious"),
            ("config.json", '{"model": "bert", "lr": 3}'),
            ("config.json", "{}"),
            ("config.json", ""),
            ("checksums.json", '{"files": {}}'),
            ("solution.json", "precious"),
        ],
    )
    @pytest.mark.parametrize("how", [{}, {"overwrite": True}, {"resume": True}])
    def test_somebody_elses_files_are_left_alone(self, name, content, how, climb, out):
        (out / name).parent.mkdir(parents=True)
        (out / name).write_text(content)
        with pytest.raises(ValueError, match=r"no run of this library wrote|so it is not a run|nobody knows"):
            play(NAME, climb, out, **how, device="cpu")
        assert {one: one.read_text() for one in out.rglob("*") if one.is_file()} == {out / name: content}

    def test_a_run_beside_whose_config_is_somebody_elses_is_left_alone(self, climb, out):
        play(NAME, climb, out, device="cpu")
        (out / "checksums.json").unlink()
        before = files(out)
        with pytest.raises(ValueError, match="which no run of this library wrote, so nothing is replaced"):
            play(NAME, climb, out, overwrite=True, device="cpu")
        assert files(out) == before


@pytest.fixture
def pressed(climb, monkeypatch):
    """Ctrl-C is pressed in the first step, once."""
    kind = type(climb.build().task)
    usual = kind.inner_problem

    def press(task, batch):
        monkeypatch.setattr(kind, "inner_problem", usual)
        os.kill(os.getpid(), signal.SIGINT)
        return usual(task, batch)

    monkeypatch.setattr(kind, "inner_problem", press)


class TestResume:
    @pytest.mark.usefixtures("pressed")
    def test_ends_as_if_nothing_had_happened(self, climb, out, tmp_path):
        assert play(NAME, climb, out, device="cpu").status is Status.INTERRUPTED
        assert play(NAME, climb, out, resume=True, device="cpu").status is Status.COMPLETED
        play(NAME, climb, tmp_path / "straight", device="cpu")
        name = "model/model.safetensors"
        assert (out / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()

    @pytest.mark.usefixtures("pressed")
    def test_where_more_work_would_follow_ctrl_c_goes_up(self, climb, out):
        with pytest.raises(KeyboardInterrupt):
            play(NAME, climb, out, on_interrupt="raise", device="cpu")
        assert json.loads((out / "solution.json").read_text())["status"] == "interrupted"

    @pytest.mark.parametrize(
        ("name", "changes", "sentence"),
        [
            (NAME, {"steps": 4}, "was run with steps=3, not 4; resume it with the settings it was made with"),
            (NAME, {"seed": 1}, "was run with seed=0, not 1"),
            ("climbs/flat", {}, "was run with preset='climbs/steep', not 'climbs/flat'"),
        ],
    )
    def test_with_other_settings_is_refused(self, name, changes, sentence, climb, out):
        play(NAME, climb, out, device="cpu")
        before = files(out)
        with pytest.raises(ValueError, match=sentence):
            play(name, replace(climb, **changes), out, resume=True, device="cpu")
        assert files(out) == before

    def test_with_other_facts_is_refused(self, climb, out):
        play(NAME, climb, out, device="cpu")
        (out / "config.json").write_text(json.dumps(config_of(out) | {"height": 8611}))
        reseal(out)
        with pytest.raises(ValueError, match="was run with height=8611, not 8848"):
            play(NAME, climb, out, resume=True, device="cpu")

    @pytest.mark.usefixtures("pressed")
    def test_facts_may_be_tuples(self, climb, out, monkeypatch):
        build = type(climb).build

        def with_shape(preset):
            return replace(build(preset), facts={"shape": (1, 8, 8), "of": {"sides": (8, 8)}})

        monkeypatch.setattr(type(climb), "build", with_shape)
        assert play(NAME, climb, out, device="cpu").status is Status.INTERRUPTED
        assert play(NAME, climb, out, resume=True, device="cpu").status is Status.COMPLETED

    def test_of_nothing(self, climb, out):
        with pytest.raises(
            DamagedRunError, match=r"there is no folder .*; give one that a run with out= has written"
        ):
            play(NAME, climb, out, resume=True, device="cpu")
        assert not out.exists()


class TestPresetOf:
    def test_is_the_one_that_was_played(self, climb, families, out):
        played = replace(climb, seed=2, steps=1, widths=())
        play(NAME, played, out, device="cpu")
        assert preset_of(out, families) == (played, families["climbs"])
        mine = preset_of(out, families, data=Path("mine.npz"))[0]
        assert mine == replace(played, data=Path("mine.npz"))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ({"game": {"task": {"class": "Mine"}}}, "holds a run of Mine that was started in Python, of no preset"),
            ({}, "config.json names no preset with its settings, so it is not of a whole run; solve it again"),
            ({"preset": NAME}, "names no preset with its settings"),
            ({"preset": [NAME], "settings": {}}, "names no preset with its settings"),
            ({"preset": NAME, "settings": {}}, "the run's settings lack seed, steps, widths"),
            ({"preset": "climbs/stepe", "settings": {}}, "there is no preset 'climbs/stepe'; did you mean"),
        ],
    )
    def test_of_a_folder_that_does_not_say(self, content, sentence, families, out):
        out.mkdir()
        (out / "config.json").write_text(json.dumps(content))
        reseal(out)
        with pytest.raises(ValueError, match=sentence):
            preset_of(out, families)

    def test_of_no_folder(self, families, out):
        with pytest.raises(ValueError, match=r"there is no folder .*; give one that `minimax-l2l solve` wrote"):
            preset_of(out, families)


class TestEvaluate:
    @pytest.mark.parametrize("option", [{"tier": "quick"}, {"images": 7}])
    def test_a_choice_that_the_preset_does_not_take(self, option, climb, families, out):
        play(NAME, climb, out, device="cpu")
        (name,) = option
        with pytest.raises(
            ValueError, match=rf"^runs of {NAME} are measured without a choice of {name}; leave --{name}"
        ):
            evaluate(out, families, device="cpu", announce=print, **option)
        assert not (out / "evaluation.json").exists()

    def test_a_choice_that_it_takes(self, climb, out):
        class Chosen(type(climb)):
            def evaluate(self, folder, *, device, batch_size, announce, tier="slow", images=3):
                return {"rows": [{"tier": tier, "images": images}]}

        chosen = Chosen(secret="steep")
        play(NAME, chosen, out, device="cpu")
        families = {"climbs": Family(presets={NAME: chosen})}
        for options, row in (({}, ("slow", 3)), ({"tier": "quick"}, ("quick", 3)), ({"images": 7}, ("slow", 7))):
            found = evaluate(out, families, device="cpu", announce=print, **options)["rows"][0]
            assert tuple(found.values()) == row

    def test_writes_what_the_preset_measures(self, climb, families, out):
        data = Path("mine.npz")
        play(NAME, replace(climb, data=data), out, device="cpu")
        announced: list[str] = []
        result = evaluate(out, families, data=data, device="cpu", announce=announced.append)
        assert result == {"rows": [{"steps": 3, "device": "cpu", "data": "mine.npz"}]}
        assert json.loads((out / "evaluation.json").read_text()) == result
        assert announced == ["measuring"]

    def test_removes_the_finished_pieces_of_an_interrupted_one_once_it_is_written(self, climb, out):
        class Slow(type(climb)):
            def evaluate(self, folder, **options):
                (folder / "evaluation.parts.json").write_text("{}")
                if "stop" in stops:
                    raise KeyboardInterrupt
                return super().evaluate(folder, **options)

        slow, stops = Slow(secret="steep"), ["stop"]
        play(NAME, slow, out, device="cpu")
        families, parts = {"climbs": Family(presets={NAME: slow})}, out / "evaluation.parts.json"
        with pytest.raises(KeyboardInterrupt):
            evaluate(out, families, device="cpu", announce=print)
        assert parts.exists()
        stops.clear()
        evaluate(out, families, device="cpu", announce=print)
        assert (out / "evaluation.json").exists()
        assert not parts.exists()
