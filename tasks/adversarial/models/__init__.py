"""Classifiers that small machines carry."""
