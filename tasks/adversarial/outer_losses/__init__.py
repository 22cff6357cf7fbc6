"""What theta descends, where that is not what the attacker ascends."""
