"""What "dead" means and what follows from it: pure functions of arrays."""
