-- The values that everything after is computed from: the measured rows, and the added-up ones of areas for which the
-- publisher prints nothing. One row per indicator, area, period and group.
{{ config(materialized="view") }}
select *, 0::smallint as is_footprint_value
from {{ ref("int_indicator_values__measured") }}
union all by name
select *, 1::smallint as is_footprint_value
from {{ ref("int_footprint_values__aggregated") }}
where footprint_reason is null and has_published_series = 0
