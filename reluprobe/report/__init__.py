"""Reports: numbers as terminal tables, figures, pages and files. Nothing prints or imports JAX."""
