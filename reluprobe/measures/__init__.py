"""Measures: what "dead" means and what follows from it. Pure functions of arrays."""
