"""Rich tables and lines, for a terminal. Nothing in here prints."""
