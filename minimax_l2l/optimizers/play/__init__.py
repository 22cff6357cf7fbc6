"""How two players are moved so that they settle: hand-designed methods for games and variational inequalities."""
