"""A finished release as files that need no database: Parquet, CSV, two descriptions of them, a workbook, checksums.

What a release says goes out of here in other formats, unchanged. Figures, statuses and what the public may see are
settled before, and nothing here imports an orchestrator.
"""
