{#- One shape for indicator values from every source; used by each `stg_<source>__indicator_values`.

    Takes a relation with the landed columns. Does only what is the same for every source: Fingertips writes ICB and
    sub-ICB codes with a leading `n` (E54 and E38 codes are shared with older STP and CCG rows), and a blank category means
    the total. What a note or an area type means is not decided here: it takes seeds, which staging does not read.
    The union with no rows gives an accepted load of an older landing the columns that landing has added since.
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
        regexp_replace(parent_code, '^n(E54|E38)', '\1') as parent_code,
        regexp_replace(area_code, '^n(E54|E38)', '\1') as area_code,
        area_code as area_code_published,
        area_name as area_name_published,
        area_type as area_type_published,
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
        value_marker_meaning,
        value_note,
        lower_ci_95,
        upper_ci_95,
        lower_ci_99_8,
        upper_ci_99_8,
        count,
        denominator,
        recent_trend_published,
        compared_to_england_published,
        compared_to_parent_published,
        compared_to_goal_published
    from
        (
            select *
            from {{ relation }}
            union all by name
            select null::varchar as value_marker_meaning
            where false
        )
{% endmacro %}
