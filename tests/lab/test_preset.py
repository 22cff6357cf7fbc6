"""A preset is its settings: shown, stored without a path of the machine, and made again from what was stored."""

import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from minimax_l2l import DamagedRunError
from minimax_l2l.lab.family import load_families


class TestSeeds:
    @pytest.mark.parametrize("seed", [0, 2**32 - 1])
    def test_from_0_to_32_bits(self, seed, climb):
        assert replace(climb, seed=seed).seed == seed

    @pytest.mark.parametrize(
        ("seed", "error", "sentence"),
        [
            (-1, ValueError, "seed must be at least 0, got -1"),
            (2**32, ValueError, "seed must lie below 4294967296, got 4294967296"),
            (1.5, TypeError, "seed must be an integer, got float 1.5"),
            (True, TypeError, "seed must be an integer, got bool True"),
        ],
    )
    def test_that_make_no_sense(self, seed, error, sentence, climb):
        with pytest.raises(error, match=sentence):
            replace(climb, seed=seed)


class TestSettings:
    def test_are_all_fields_but_hidden_ones_and_plain_json(self, climb):
        assert climb.settings() == {"seed": 0, "data": None, "steps": 3, "widths": [4, 2]}
        assert json.loads(json.dumps(climb.settings())) == climb.settings()

    def test_hold_data_by_their_name_alone(self, climb):
        assert replace(climb, data=Path("/elsewhere/mine.npz")).settings()["data"] == "mine.npz"

    def test_do_not_change(self, climb):
        with pytest.raises(FrozenInstanceError):
            climb.steps = 4


class TestAgain:
    def test_is_what_was_stored(self, climb):
        changed = replace(climb, seed=5, steps=7, widths=(1,))
        assert climb.again(json.loads(json.dumps(changed.settings()))) == changed

    def test_takes_the_data_from_whoever_has_them(self, climb):
        stored = replace(climb, data=Path("/elsewhere/mine.npz")).settings()
        with pytest.raises(ValueError, match=r"trained on data of your own, 'mine.npz'; name them with --data"):
            climb.again(stored)
        assert climb.again(stored, data=Path("/mnt/mine.npz")).data == Path("/mnt/mine.npz")

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"steps": 0}, "the run's settings make no sense .steps must be at least 1, got 0"),
            ({"seed": "one"}, "the run's settings make no sense .seed must be an integer, got str 'one'"),
        ],
    )
    def test_of_what_makes_no_sense(self, change, sentence, climb):
        with pytest.raises(DamagedRunError, match=sentence):
            climb.again(climb.settings() | change)

    def test_of_less(self, climb):
        with pytest.raises(DamagedRunError, match="the run's settings lack seed, steps, widths, so it is not"):
            climb.again({})

    def test_of_a_preset_without_data(self):
        preset = load_families()["games"].presets["games/limit-cycle-rnn-l2l"]
        with pytest.raises(ValueError, match="takes no data of your own; leave --data out"):
            preset.again(preset.settings(), data=Path("mine.npz"))


PRESETS = {name: preset for family in load_families().values() for name, preset in family.presets.items()}


class TestEveryPreset:
    """What holds for each preset that is installed; a failure names those that break it."""

    def test_can_be_stored_and_made_again(self):
        for name, preset in PRESETS.items():
            again = preset.again(json.loads(json.dumps(preset.settings())))
            assert again.settings() == preset.settings(), name

    def test_is_known_by_one_line(self):
        assert [name for name, preset in PRESETS.items() if not preset.summary or "\n" in preset.summary] == []

    def test_can_be_sent_to_another_machine(self):
        pickle = pytest.importorskip("pickle")
        for name, preset in PRESETS.items():
            assert pickle.loads(pickle.dumps(preset)) == preset, name
