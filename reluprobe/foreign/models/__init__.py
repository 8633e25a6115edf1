"""Somebody's model, whatever framework it is of, as a function of its parameters and a batch."""
