"""Feasible sets of the inner variable: nearest feasible point, bounded update, violation, random point."""
