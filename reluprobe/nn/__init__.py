"""Networks and their parts by name: library functions, each with formula and source."""
