"""Networks and their parts: names → library functions, with formula and source."""
