"""`python -m minimax_l2l` is the command `minimax-l2l`."""

import sys


def entry() -> None:
    """What the installed command calls; it can be interrupted while the command is still being loaded."""
    try:
        from minimax_l2l.cli import entry as command

        command()
    except KeyboardInterrupt:
        print("minimax-l2l: interrupted.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    entry()
