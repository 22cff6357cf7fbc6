"""Classifiers: the usual ones for small images, small ones for CPUs, and yours by name."""
