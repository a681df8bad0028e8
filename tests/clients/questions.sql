-- Ten questions that every client of the served file answers, each with the same rows in the same order.
-- A line "-- name: what it tries" begins a question. Whole numbers stay within BIGINT and sums are ordered, so that no
-- client has a reason to differ; each question says by its order which row comes first.
-- release: a date, a timestamp, a key made of letters and digits, large whole numbers
select release_id, built_at, as_at, storage_version, table_count, row_count, content_checksum
from release
;

-- statuses: symbols and colours that are not ASCII, in the order of the scorecard
select status_code, status_label, status_symbol, status_colour, status_sort, is_judgement
from dim_status
order by status_sort, status_code
;

-- scorecard: the widest view, with its numbers, dates, blanks and sentences
select
    framework,
    commitment_id,
    title,
    area_code,
    area_name,
    status_symbol,
    status_label,
    explanation,
    population_group,
    period_end,
    actual_value,
    actual_lower_ci_95,
    actual_upper_ci_95,
    target_value,
    gap_to_target,
    forecast_probability,
    due_date,
    is_counted
from v_scorecard
order by framework_id, commitment_id, area_code, population_group nulls last, period_end nulls last, explanation
;

-- star: a fact with six of its dimensions, as a BI tool joins them
select
    dim_framework.framework_id,
    dim_commitment.commitment_id,
    dim_area.area_name,
    dim_period.period_label,
    dim_population_group.population_group,
    dim_status.status_symbol,
    fact.actual_value,
    fact.target_value,
    fact.pace_ratio
from fct_target_vs_actual as fact
join dim_commitment on fact.commitment_key = dim_commitment.commitment_key
join dim_framework on dim_commitment.framework_key = dim_framework.framework_key
join dim_area on fact.area_key = dim_area.area_key
join dim_period on fact.period_key = dim_period.period_key
join dim_population_group on fact.population_group_key = dim_population_group.population_group_key
join dim_status on fact.status_key = dim_status.status_key
where fact.actual_value is not null
order by fact.target_vs_actual_key
;

-- commitments: how many commitments in force each document has
select dim_framework.framework_id, count(*) as commitments, count(dim_commitment.target_value) as with_target_value
from dim_commitment
join dim_framework on dim_commitment.framework_key = dim_framework.framework_key
where dim_commitment.is_current = 1 and dim_commitment.commitment_key > 0
group by dim_framework.framework_id
order by dim_framework.framework_id
;

-- sources: counts, ordered sums and extremes of doubles, exact to the last bit
select
    dim_source.source_id,
    count(*) as published_rows,
    count(fact.value) as rows_with_value,
    min(fact.value) as least,
    max(fact.value) as greatest,
    sum(fact.value order by fact.indicator_value_key) as total,
    sum(fact.denominator order by fact.indicator_value_key) as people
from fct_indicator_value as fact
join dim_source on fact.source_key = dim_source.source_key
group by dim_source.source_id
order by dim_source.source_id
;

-- absences: rows without a value, and the words for it
select
    dim_value_status.value_status_code,
    dim_value_status.shorthand,
    count(fact.indicator_value_key) as published_rows,
    count(fact.value) as rows_with_value,
    count(fact.value_note) as rows_with_note
from dim_value_status
left join fct_indicator_value as fact on dim_value_status.value_status_code = fact.value_status_code
group by dim_value_status.value_status_code, dim_value_status.shorthand
order by dim_value_status.value_status_code
;

-- changes: a window over the series of England and two counties, with keys that a 32-bit number cannot hold
with
    series as (
        select
            indicator_id,
            area_code,
            population_group,
            series_number,
            period_label,
            period_end,
            value,
            indicator_value_key,
            lag(value) over series as previous_value,
            row_number() over series as position_in_series
        from v_trend
        where area_code in ('E92000001', 'E10000003', 'E10000024') and value is not null
        window
            series as (
                partition by indicator_id, area_code, population_group, series_number
                order by period_end, period_label, indicator_value_key
            )
    )
select *, value - previous_value as change
from series
where position_in_series <= 3
order by indicator_value_key
;

-- calendar: every financial year of the date table, its first and last day, and the commitments that are due in it
with
    due as (
        select dim_date.financial_year, count(*) as commitments
        from dim_commitment
        join dim_date on dim_commitment.due_date = dim_date.full_date
        where dim_commitment.is_current = 1
        group by dim_date.financial_year
    )
select
    dim_date.financial_year,
    min(dim_date.full_date) as first_day,
    max(dim_date.full_date) as last_day,
    count(*) as days,
    max(due.commitments) as commitments_due
from dim_date
left join due on dim_date.financial_year = due.financial_year
where dim_date.date_key > 0
group by dim_date.financial_year
order by dim_date.financial_year
;

-- model: every column with its meaning, and what joins to what
select
    dictionary.table_name,
    dictionary.column_name,
    dictionary.data_type,
    dictionary.is_key,
    dictionary.description,
    relationships.to_table,
    relationships.to_column,
    relationships.cardinality
from data_dictionary as dictionary
left join
    relationships
    on dictionary.table_name = relationships.from_table
    and dictionary.column_name = relationships.from_column
order by dictionary.table_name, dictionary.ordinal_position, relationships.to_table, relationships.to_column
;
