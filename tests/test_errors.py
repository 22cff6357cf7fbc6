"""The sentences people read: what was given, what was needed, what to do."""

import math
import sys
from functools import partial

import numpy as np
import pytest
import torch

from minimax_l2l import DamagedRunError, MissingExtraError, NonFiniteError
from minimax_l2l.errors import (
    require_a,
    require_choice,
    require_count,
    require_each,
    require_finite,
    require_flag,
    require_fraction,
    require_function,
    require_not_negative,
    require_positive,
    require_seed,
    require_widths,
)
from minimax_l2l.extras import require_extra


class TestPositive:
    @pytest.mark.parametrize("value", [1, 0.5, 1e-300])
    def test_good(self, value):
        assert require_positive("eps", value) is value

    @pytest.mark.parametrize("value", [0, 0.0, -1, -0.5, math.nan, math.inf, -math.inf])
    def test_out_of_range(self, value):
        with pytest.raises(
            ValueError, match=f"eps must be a finite number above 0, got {value}; pass a positive eps"
        ):
            require_positive("eps", value)

    @pytest.mark.parametrize("value", ["0.1", None, True, [0.1]])
    def test_no_number(self, value):
        with pytest.raises(TypeError, match=f"eps must be a number, got {type(value).__name__}.*; pass a float"):
            require_positive("eps", value)


class TestFraction:
    @pytest.mark.parametrize("value", [0, 0.0, 0.3, 1])
    def test_good(self, value):
        assert require_fraction("momentum", value) == value

    @pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
    def test_out_of_range(self, value):
        with pytest.raises(ValueError, match=rf"momentum must lie in \[0, 1\], got {value}"):
            require_fraction("momentum", value)


class TestCount:
    @pytest.mark.parametrize(("value", "least"), [(0, 0), (3, 0), (1, 1)])
    def test_good(self, value, least):
        assert require_count("steps", value, least=least) == value

    @pytest.mark.parametrize(("value", "least"), [(-1, 0), (0, 1)])
    def test_too_few(self, value, least):
        with pytest.raises(
            ValueError, match=f"steps must be at least {least}, got {value}; pass steps={least} or more"
        ):
            require_count("steps", value, least=least)

    @pytest.mark.parametrize("value", [1.0, "3", None, True])
    def test_no_integer(self, value):
        with pytest.raises(TypeError, match=f"steps must be an integer, got {type(value).__name__}"):
            require_count("steps", value)

    def test_what_never_ends(self):
        with pytest.raises(
            ValueError, match=r"^steps must be at most 10\*\*12, got 10{30}; pass a smaller steps\.$"
        ):
            require_count("steps", 10**30)


class TestNumPy:
    """Its numbers are numbers, and are kept as Python's, which JSON can hold."""

    @pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.float16(0.5)])
    @pytest.mark.parametrize("require", [require_positive, require_fraction, require_finite, require_not_negative])
    def test_real_ones(self, require, number):
        assert type(require("eps", number)) is float

    @pytest.mark.parametrize("number", [np.int64(3), np.uint8(3), np.int32(3)])
    @pytest.mark.parametrize("require", [require_count, require_positive, require_seed])
    def test_whole_ones(self, require, number):
        assert type(require("steps", number)) is int

    def test_flags_and_widths(self):
        assert require_flag("relative", np.True_) is True
        assert [type(width) for width in require_widths("hidden", [np.int64(2), 3])] == [int, int]

    @pytest.mark.parametrize("number", [torch.tensor(0.5), torch.tensor([3]), np.array(0.5), np.array([3])])
    @pytest.mark.parametrize("require", [require_count, require_positive, require_fraction])
    def test_arrays_and_tensors_are_none(self, require, number):
        with pytest.raises(TypeError, match=r"eps must be .*, got .*; pass an entry of it, as \.item\(\) makes it"):
            require("eps", number)

    @pytest.mark.parametrize("number", [True, np.True_])
    @pytest.mark.parametrize("require", [require_count, require_positive, require_fraction, require_finite])
    def test_neither_are_truths(self, require, number):
        with pytest.raises(TypeError, match="eps must be "):
            require("eps", number)


@pytest.mark.parametrize("value", [1, 0, "yes", None, torch.tensor(True)])
def test_a_flag_is_true_or_false(value):
    with pytest.raises(TypeError, match="relative must be True or False, got "):
        require_flag("relative", value)


def test_a_seed_has_32_bits():
    assert require_seed("seed", 2**32 - 1) == 2**32 - 1
    with pytest.raises(ValueError, match="seed must lie below 4294967296, got 4294967296"):
        require_seed("seed", 2**32)


def test_numbers_that_may_be_negative_or_zero():
    assert require_finite("gain", -1) == -1
    assert require_not_negative("weight_decay", 0) == 0
    for number in (math.nan, math.inf, 10**400):
        with pytest.raises(ValueError, match="gain must be a finite number, got"):
            require_finite("gain", number)
    with pytest.raises(ValueError, match="weight_decay must be a finite number from 0 on, got -1"):
        require_not_negative("weight_decay", -1)


class TestObjects:
    def test_a_class_is_no_object_of_it(self):
        with pytest.raises(TypeError, match=r"^part must be a string, got the class str; pass a string\.$"):
            require_a("part", str, str, "a string", "pass a string")

    @pytest.mark.parametrize("values", ["a", None, {"a"}, str, iter("a")])
    def test_many_come_in_a_list(self, values):
        with pytest.raises(TypeError, match="parts must be a list, got "):
            require_each("parts", values, str, "a string", "pass strings")

    def test_each_is_looked_at_and_each_comes_once(self):
        assert require_each("parts", ["a", "b"], str, "a string", "pass strings") == ("a", "b")
        with pytest.raises(TypeError, match="each of parts must be a string, got int 1; pass strings"):
            require_each("parts", ["a", 1], str, "a string", "pass strings")
        with pytest.raises(ValueError, match="parts holds the same object twice"):
            require_each("parts", ["a", "a"], str, "a string", "pass strings")


class TestChoice:
    def test_good(self):
        assert require_choice("play", "joint", ("joint", "alternating")) == "joint"

    def test_the_nearest_is_suggested(self):
        with pytest.raises(ValueError, match=r"^there is no play 'jiont'; did you mean 'joint'\?$"):
            require_choice("play", "jiont", ("joint", "alternating"))

    def test_all_are_listed_where_none_is_near(self):
        with pytest.raises(ValueError, match=r"^there is no play 'xyz'; choose one of: alternating, joint\.$"):
            require_choice("play", "xyz", ("joint", "alternating"))

    def test_a_name_is_a_string(self):
        with pytest.raises(
            TypeError, match=r"^play must be a name, got int 3; choose one of: alternating, joint\.$"
        ):
            require_choice("play", 3, ("joint", "alternating"))


class TestWidths:
    def test_good(self):
        assert require_widths("hidden", (64, 32)) == (64, 32)
        assert require_widths("hidden", ()) == ()

    @pytest.mark.parametrize(
        ("widths", "error", "words"),
        [
            (
                64,
                TypeError,
                r"^hidden must be a sequence of widths, got int 64; pass one for each layer: \(64, 32\)\.$",
            ),
            ((64, 0), ValueError, r"^hidden\[1\] must be at least 1, got 0"),
            ((0.5,), TypeError, r"^hidden\[0\] must be an integer"),
        ],
    )
    def test_bad(self, widths, error, words):
        with pytest.raises(error, match=words):
            require_widths("hidden", widths)


class TestExtra:
    def test_installed(self):
        assert require_extra("json.decoder", extra="x", purpose="y") is sys.modules["json.decoder"]

    def test_missing(self):
        sentence = r'^flying needs no_such_wings, which is not installed; .* pip install "minimax-l2l\[air\]"$'
        with pytest.raises(MissingExtraError, match=sentence):
            require_extra("no_such_wings.feathers", extra="air", purpose="flying")

    def test_what_an_installed_package_itself_lacks_is_not_hidden(self, tmp_path, monkeypatch):
        (tmp_path / "wings_without_feathers.py").write_text("import no_such_feathers")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ModuleNotFoundError, match="no_such_feathers") as caught:
            require_extra("wings_without_feathers", extra="air", purpose="flying")
        assert not isinstance(caught.value, MissingExtraError)


def test_errors_can_be_caught_as_what_they_are():
    assert issubclass(DamagedRunError, ValueError)
    assert issubclass(NonFiniteError, ArithmeticError)
    assert issubclass(MissingExtraError, ImportError)


class Called:
    def __call__(self, row):
        pass

    def of_two(self, row, more):
        pass


class TestFunction:
    @pytest.mark.parametrize(
        "given",
        [
            lambda row: None,
            lambda row, more=1: None,
            lambda *rows: None,
            [].append,
            print,
            Called(),
            partial(Called().of_two, more=1),
        ],
    )
    def test_good(self, given):
        assert require_function("observe", given, "row", "pass one") is given

    @pytest.mark.parametrize(
        "given",
        [
            lambda: None,
            lambda row, more: None,
            lambda *, row: None,
            lambda row, *, more: None,
            Called().of_two,
            partial(Called().of_two, 1, 2),
        ],
    )
    def test_one_that_takes_something_else(self, given):
        with pytest.raises(
            TypeError, match=r"observe is called as .*\(row\), which it cannot be \(.*\); pass one\.$"
        ):
            require_function("observe", given, "row", "pass one")

    @pytest.mark.parametrize("given", [None, 3, "print", Called])
    def test_none(self, given):
        with pytest.raises(TypeError, match=r"observe must be a function of \(k, y\), got .*; pass one\.$"):
            require_function("observe", given, "(k, y)", "pass one")
