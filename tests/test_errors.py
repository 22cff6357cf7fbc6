"""The sentences people read: what was given, what was needed, what to do."""

import math
import sys

import pytest

from minimax_l2l import DamagedRunError, MissingExtraError, NonFiniteError
from minimax_l2l.errors import require_choice, require_count, require_fraction, require_positive, require_widths
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
        with pytest.raises(TypeError, match=f"eps must be a number, got {type(value).__name__}; pass a float"):
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
                r"^hidden must be a sequence of widths, got 64; pass one for each layer: \(64, 32\)\.$",
            ),
            ((64, 0), ValueError, "a width in hidden must be at least 1, got 0"),
            ((0.5,), TypeError, "a width in hidden must be an integer"),
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
