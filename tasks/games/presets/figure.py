"""Pictures of play: where methods go in a game of two numbers, and what they reach at what cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from minimax_l2l.lab import blank_figure
from tasks.games.families.bilinear import BilinearGame
from tasks.games.game import Game
from tasks.games.kinds import MINIMAX, Kind
from tasks.games.meta.objective import WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which the colour-blind tell apart; then again with other lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", ":")
GRID = 25  # points of the field along each axis
FEW = 40  # steps that are told apart
MARKS: Sequence[tuple[Collection[Kind], str, Mapping[str, Any]]] = (
    (MINIMAX, "solution", {"marker": "x", "markersize": 11, "markeredgewidth": 2.5}),
    (WRONG, "wrong point", {"marker": "^", "markersize": 9, "markerfacecolor": "white", "markeredgewidth": 1.5}),
)


def styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """How each of some lines is drawn in every picture of a page: in a colour and dashes of its own."""
    return {
        name: {
            "label": name,
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place // len(COLOURS) % len(DASHES)],
        }
        for place, name in enumerate(names)
    }


def draw_orbits(orbits: Mapping[str, Tensor], *, radius: float = 2.2) -> Figure:
    """Orbits of f = xy over the field of gradient play.

    Args:
        orbits: by name, tensors of shape (steps + 1, 2) as `orbit` returns them.
        radius: half the width of the picture.

    Returns:
        A matplotlib figure; `figure.savefig(path)` keeps it.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    x, y = next(iter(orbits.values()))[0].double()
    game = BilinearGame(one, zero, zero, (x.view(1, 1), y.view(1, 1)))
    figure = blank_figure(5.4, 5.9)
    axes = figure.subplots()
    draw_play(axes, game, orbits, styles(orbits), window=((0.0, 0.0), radius))
    axes.set(xlabel="x, which descends xy", ylabel="y, which ascends xy")
    legend_below(figure, axes, columns=2)
    return figure


def draw_play(
    axes: Axes,
    game: Game,
    paths: Mapping[str, Tensor],
    styles: Mapping[str, Mapping[str, Any]],
    *,
    window: tuple[tuple[float, float], float] | None = None,
) -> None:
    """Where methods go in the first of n games of two numbers, over the way that gradient play goes.

    A square is the start, a cross each minimax point, and a triangle each other point where the field is zero.

    Args:
        axes: of matplotlib.
        game: the games.
        paths: by name, tensors of shape (steps + 1, 2) which begin at the start of the first game.
        styles: of each path.
        window: centre and half the width of what is shown; None finds one that holds the start, a stationary point
            and what is near.
    """
    centre, radius = _window(game, paths) if window is None else window
    _draw_field(axes, game, centre, radius)
    for place, (name, path) in enumerate(paths.items()):
        x, y = _moving(path, radius).unbind(1)
        size = 5 if len(x) < FEW else 2
        height = 3 - place / len(paths)  # the first lies on top
        axes.plot(x.tolist(), y.tolist(), linewidth=1.5, marker="o", markersize=size, zorder=height, **styles[name])
    start = torch.cat([leaf[:1] for leaf in game.start], dim=1)
    ends = torch.stack([path[-1] for path in paths.values()])
    around = _first(game, torch.cat([start, ends.nan_to_num()]))  # a family may only know what is near its start
    _mark(axes, start, "start", {"marker": "s", "markersize": 8})
    middle = start.new_tensor(centre)
    for kinds, words, look in MARKS:
        points = _points(around, kinds)
        _mark(axes, points[((points - middle).abs() <= radius).all(1)], words, look)
    left, low = (middle - radius).tolist()
    axes.set(xlim=(left, left + 2 * radius), ylim=(low, low + 2 * radius), aspect="equal", xlabel="x", ylabel="y")


def path_of(game: Game, history: Sequence[Mapping[str, float]]) -> Tensor:
    """Where the first game of two numbers went in a run of `Playing`, its start included: shape (steps + 1, 2)."""
    first = torch.cat([leaf[:1] for leaf in game.start], dim=1)
    return torch.cat([first, first.new_tensor([[row["x"], row["y"]] for row in history])])


def draw_curves(
    axes: Axes,
    curves: Mapping[str, Sequence[tuple[float, float]]],
    styles: Mapping[str, Mapping[str, Any]],
    *,
    label: str,
) -> None:
    """What some methods have reached, pairs of evaluations and a value, on a logarithmic scale of evaluations."""
    for name, curve in curves.items():
        axes.plot(*zip(*curve, strict=True), linewidth=1.8, drawstyle="steps-post", **styles[name])
    axes.set_xscale("log")
    axes.set(xlabel="evaluations", ylabel=label)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(color="0.9")


def legend_below(figure: Figure, axes: Axes, *, columns: int) -> None:
    """The legend under a figure's one picture, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=8.5)


def _mark(axes: Axes, points: Tensor, words: str, look: Mapping[str, Any]) -> None:
    """Black marks at points of shape (m, 2); nothing, in the legend neither, if there are none."""
    if len(points):
        x, y = points.T.tolist()
        axes.plot(x, y, linestyle="none", color="black", zorder=4, label=words, **look)


def _moving(path: Tensor, radius: float) -> Tensor:
    """A path until it is lost or comes to rest, as far as a picture of this size shows it."""
    there = path[path.isfinite().all(1)].clamp(-1e6, 1e6)
    away = ((there - there[-1]).norm(dim=1) > 1e-3 * radius).nonzero()
    return there[: int(away[-1]) + 2 if len(away) else 1]


def _draw_field(axes: Axes, game: Game, centre: tuple[float, float], radius: float) -> None:
    """Lines along -F, where gradient play goes."""
    xs, ys = (torch.linspace(at - radius, at + radius, GRID, dtype=torch.float64) for at in centre)
    grid = torch.cartesian_prod(ys, xs).flip(1)
    towards = -_first(game, grid).field(game.pair(grid)).detach().view(GRID, GRID, 2)
    u, v = towards.unbind(2)
    axes.streamplot(
        xs.numpy(),
        ys.numpy(),
        u.numpy(),
        v.numpy(),
        color="0.8",
        linewidth=0.8,
        arrowsize=0.8,
        density=1.1,
        zorder=1,
    )


def _first(game: Game, points: Tensor) -> Game:
    """The first game of two numbers as often as there are points, which are its starts."""
    many = game.with_tensors(lambda tensor: tensor[:1].expand(len(points), *tensor.shape[1:]))
    many.start = many.pair(points)
    return many


def _points(game: Game, kinds: Collection[Kind]) -> Tensor:
    """The games' stationary points of some kinds, each once, shape (m, 2)."""
    wanted = torch.isin(game.kinds, torch.tensor([int(kind) for kind in kinds]))
    distinct: Tensor = torch.unique(game.stationary()[wanted], dim=0)
    return distinct


def _window(game: Game, paths: Mapping[str, Tensor]) -> tuple[tuple[float, float], float]:
    """A square around the start and the nearest stationary point, and around what is not much further away."""
    start = torch.cat([leaf[:1] for leaf in game.start], dim=1)
    known = game.stationary()[0]
    nearest = known[(known - start).norm(dim=1).argmin()][None]
    reach = 2 * (nearest - start).norm().clamp_min(0.5)
    steps = torch.cat(list(paths.values()))
    seen = torch.cat([start, nearest, steps[((steps - nearest).norm(dim=1) <= reach)]])
    low, high = seen.amin(0), seen.amax(0)
    x, y = ((low + high) / 2).tolist()
    return (x, y), 0.6 * (high - low).max().item()
