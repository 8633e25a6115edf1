"""Numbers → terminal, figures, page and export. Nothing in here prints, and none imports JAX."""
