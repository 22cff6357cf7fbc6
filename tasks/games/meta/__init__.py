"""Meta-training: a learned optimizer practises on random games until it settles others."""
