"""Contract tests: anyone's problem, updater, optimizer or game checked with one call.

    def test_my_problem_keeps_its_contract() -> None:
        check_problem(lambda: MyProblem(model, batch))

Each law that the rest of the library leans on is one small method: its docstring says the law, and it yields what
breaks it. A broken law raises `ContractViolation` with a sentence: which law, what was seen, what to do.
"""

from minimax_l2l.testing.game import check_game
from minimax_l2l.testing.law import ContractViolation
from minimax_l2l.testing.optimizer import check_optimizer
from minimax_l2l.testing.problem import check_problem
from minimax_l2l.testing.updater import check_updater

__all__ = ["ContractViolation", "check_game", "check_optimizer", "check_problem", "check_updater"]
