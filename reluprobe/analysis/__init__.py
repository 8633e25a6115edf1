"""Records → numbers: fold, pair, compare. No formatting, no JAX."""
