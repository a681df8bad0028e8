"""Conform accepted loads and assess commitments: one dbt build into a fresh DuckDB file.

Calling dbt and looking into its file belong here; the rules themselves are SQL, in ``dbt_project``.
"""
