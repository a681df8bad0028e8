select
    {{ surrogate_key(["source_id", "source_file_sha256", "source_row_number", "source_column", "rule"]) }}
    as quarantined_row_key,
    {{ surrogate_key(["source_id"]) }} as source_key,
    cast(source_id as varchar) as source_id,
    cast(source_release as varchar) as source_release,
    cast(source_file as varchar) as source_file,
    cast(source_file_sha256 as varchar) as source_file_sha256,
    cast(source_row_number as bigint) as source_row_number,
    cast(source_column as varchar) as source_column,
    cast(column_name as varchar) as column_name,
    cast(value as varchar) as offending_value,
    cast(rule as varchar) as rule,
    cast(reason as varchar) as reason,
    cast(record_json as varchar) as record_json,
    cast(first_seen as timestamp) as first_seen
from {{ source("check_log", "quarantined_rows") }}
order by source_id, source_file, source_row_number, rule, quarantined_row_key
