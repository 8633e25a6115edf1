"""Export of results: tidy tables as CSV, Parquet or Arrow; the main table for a paper."""
