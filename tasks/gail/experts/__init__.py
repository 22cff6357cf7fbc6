"""Experts to imitate: trained by TRPO, or written by hand."""
