{#- One shape for indicator values from every source; used by each `stg_<source>__indicator_values`.

    Takes a relation with the landed columns. Does only what is the same for every source: Fingertips writes ICB and
    sub-ICB codes with a leading `n` (E54 and E38 codes are shared with older STP and CCG rows), a blank category means
    the total, and the reason for an absent value stands in the value note or in a marker such as `[x]`.
    Returns one row per landed row: nothing is dropped here. -#}
{% macro conform_indicator_values(relation) %}
    select
        source_id,
        source_release,
        source_table,
        source_file,
        source_file_sha256,
        source_row_number,
        source_column,
        indicator_id,
        indicator_name as indicator_name_published,
        parent_code,
        regexp_replace(area_code, '^n(E54|E38)', '\1') as area_code,
        coalesce(sex, 'Not applicable') as sex,
        coalesce(age, 'Not applicable') as age,
        coalesce(category_type, 'Total') as category_type,
        coalesce(category, 'Total') as category,
        period_label,
        period_type,
        period_start,
        period_end,
        period_pooled_years,
        value,
        value_as_published,
        {{ value_status("value", "value_as_published", "value_note") }} as value_status_code,
        value_note,
        lower_ci_95,
        upper_ci_95,
        lower_ci_99_8,
        upper_ci_99_8,
        count,
        denominator,
        recent_trend_published,
        compared_to_england_published
    from {{ relation }}
{% endmacro %}
