"""Conform accepted loads and assess commitments: one dbt build into a fresh DuckDB file."""
