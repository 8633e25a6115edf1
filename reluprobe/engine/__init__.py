"""Runs → records: one compiled program a group."""
