"""Constructor's arguments, told by the object that kept them."""

import pytest
from torch import nn

from minimax_l2l.arguments import arguments


class Kept:
    def __init__(self, width, *, depth=2):
        self.width, self.depth, self.other = width, depth, None


class Inherits(Kept):
    pass


class Bare:
    pass


class BareModule(nn.Module):
    pass


@pytest.mark.parametrize("kind", [Kept, Inherits])
def test_they_are_told_by_name(kind):
    assert arguments(kind(3, depth=4)) == {"width": 3, "depth": 4}


@pytest.mark.parametrize("kind", [Bare, BareModule])
def test_without_a_constructor_there_are_none(kind):
    assert arguments(kind()) == {}


def test_an_argument_that_was_not_kept_is_named():
    built = Kept(3)
    del built.width
    with pytest.raises(AttributeError, match=r"Kept cannot be saved.*argument width; set self\.width = width"):
        arguments(built)


def test_arguments_without_names_are_refused():
    class Loose:
        def __init__(self, **options):
            self.options = options

    with pytest.raises(TypeError, match=r"Loose cannot be saved, its constructor takes \*\*options"):
        arguments(Loose())
