"""The command `minimax-l2l`: demo, presets, solve, evaluate, audit, report, benchmark; lists need no torch."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Container, Sequence

import tyro

from minimax_l2l import __version__
from minimax_l2l.cli.commands import COMMANDS
from minimax_l2l.cli.solving import command_of_any, preset_in, solve_with
from minimax_l2l.cli.terminal import as_options, notices, say
from minimax_l2l.errors import NonFiniteError

PROGRAM = "minimax-l2l"
DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None, *, said: Container[str] = ()) -> int:
    """Run a command; 0 done, 1 failed with a sentence, 2 wrong usage, 130 interrupted.

    Args:
        arguments: words of the command line; those of this process if None.
        said: sentences that were said meanwhile, which no failure says again.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words) or DONE
    except (ValueError, TypeError, ImportError, OSError, NonFiniteError) as error:
        if (sentence := f"{PROGRAM}: {as_options(str(error))}") not in said:
            notices.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        return FAILED
    except KeyboardInterrupt as interrupt:
        notices.print(f"{PROGRAM}: {str(interrupt) or 'interrupted.'}", markup=False)
        return INTERRUPTED


def _run(words: list[str]) -> int | None:
    if words == ["--version"]:
        say(__version__)
        return DONE
    if words[:1] == ["solve"] and (name := preset_in(words[1:])) is not None:
        words.remove(name)
        return solve_with(name, words[1:])
    completing = bool(words) and words[0].startswith("--tyro-")
    code: int | None = tyro.extras.subcommand_cli_from_dict(
        {**COMMANDS, "solve": command_of_any()} if completing else COMMANDS,
        prog=PROGRAM,
        description="Minimax training with an inner optimizer designed by hand or learned. --version "
        "alone prints the version.",
        args=words,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes),
    )
    return code


def entry() -> None:
    """What the installed command calls; a warning is one sentence there, not a line of our code, and said once."""
    said: list[str] = []

    def say_once(message: Warning | str, *_: object, **__: object) -> None:
        if (sentence := f"{PROGRAM}: {as_options(str(message))}") not in said:
            said.append(sentence)
            print(sentence, file=sys.stderr)

    warnings.showwarning = say_once
    sys.exit(main(said=said))
