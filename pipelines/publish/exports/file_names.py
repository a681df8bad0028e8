"""Names of the exported files, in one place: the descriptions, the report and the checks all mention them.

Only names belong here. Where a folder of exports stands does not: see ``pipelines.settings``.
"""

from __future__ import annotations

CSV_SUFFIX = ".csv"
PARQUET_SUFFIX = ".parquet"
DATA_PACKAGE = "datapackage.json"
"""Fixed by the Data Package standard: the file by which a folder is one."""

CSVW_METADATA = "csv-metadata.json"
"""Fixed by CSV on the Web: where a reader looks for the description of any CSV file in the same folder."""

README = "README.txt"
CHECKSUMS = "SHA256SUMS"
WORKBOOK = "outcomes_workbook.xlsx"
