"""`python -m minimax_l2l` is the command `minimax-l2l`."""

from minimax_l2l.cli import entry

if __name__ == "__main__":
    entry()
