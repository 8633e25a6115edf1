"""Results for other programs: tidy tables as CSV or Parquet, the main table for a paper."""
