"""The lab: presets that anyone can run again, one way to play many runs, one kind of result file, one report."""

from typing import TYPE_CHECKING

from minimax_l2l.lazy import lazily

if TYPE_CHECKING:
    from minimax_l2l.lab.environment import describe_environment
    from minimax_l2l.lab.family import Family, find_preset, load_families
    from minimax_l2l.lab.intervals import wilson_interval
    from minimax_l2l.lab.naming import warnings_of
    from minimax_l2l.lab.pool import EVERY_CORE, play_all
    from minimax_l2l.lab.preset import Announce, Built, Hidden, Preset
    from minimax_l2l.lab.reading import as_left, read_solution, read_whole
    from minimax_l2l.lab.report import Section, blank_figure, environment_section, svg, write_report
    from minimax_l2l.lab.rows import Row, fill, missing, read_rows, write_rows
    from minimax_l2l.lab.runs import audit, evaluate, play, preset_of

__all__ = [
    "EVERY_CORE",
    "Announce",
    "Built",
    "Family",
    "Hidden",
    "Preset",
    "Row",
    "Section",
    "as_left",
    "audit",
    "blank_figure",
    "describe_environment",
    "environment_section",
    "evaluate",
    "fill",
    "find_preset",
    "load_families",
    "missing",
    "play",
    "play_all",
    "preset_of",
    "read_rows",
    "read_solution",
    "read_whole",
    "svg",
    "warnings_of",
    "wilson_interval",
    "write_report",
    "write_rows",
]

__getattr__ = lazily(__name__, __file__)
