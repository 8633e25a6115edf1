"""Reports on a terminal: Rich tables and lines, for whoever prints them."""
