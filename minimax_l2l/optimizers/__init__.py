"""How an inner problem is maximised: hand-designed rules and the learned one, behind one interface."""
