"""Analysis: numbers from records. Fold, pair, compare; nothing here formats or imports JAX."""
