-- Every period of the series that measures a commitment at a place: published or added-up values, or gaps.
--
-- Three ways to measure: the indicator itself; the gap across the groups of a breakdown (an absolute or relative gap
-- between its ends, or a slope across all of them); the gap between two indicators, such as pupils with free school
-- meals and all pupils, positive where the first are worse off.
-- 95 % limits: as published where both are printed, else as computed from the counts, as in comparisons; so added-up
-- values have limits too.
-- Periods of one length only, so that pooled and single years never mix: the length of the baseline period that the
-- commitment names, where the indicator has it; otherwise the shortest that it has. The values of the series so far,
-- from
-- its last break on, stand with every period: process control looks back beyond the baseline.
with
    measured as (
        select
            s.*,
            v.value_key,
            null::bigint as inequality_key,
            v.is_footprint_value,
            v.source_release,
            v.period_label,
            v.period_type,
            v.period_start,
            v.period_end,
            v.period_months,
            v.value,
            {{ limit_in_use("lower", "95", "v") }} as lower_ci_95,
            {{ limit_in_use("upper", "95", "v") }} as upper_ci_95,
            case
                when v.lower_ci_95 is not null and v.upper_ci_95 is not null
                then 'published'
                when v.lower_ci_95_computed is not null and v.upper_ci_95_computed is not null
                then 'computed'
            end as limits_basis,
            v.count,
            v.denominator,
            v.is_count_numerator,
            v.series_number,
            v.value_status_code,
            v.compared_to_england_published,
            case when s.comparator_area_code = 'E92000001' then v.england_value end as comparator_value,
            case when s.comparator_area_code = 'E92000001' then v.england_value_key end as comparator_value_key
        from {{ ref("int_commitments__scoped") }} as s
        inner join
            {{ ref("int_indicator_values__compared") }} as v
            on s.indicator_id = v.indicator_id
            and s.area_code = v.area_code
            and s.area_type = v.area_type
            and s.sex = v.sex
            and s.age = v.age
            and s.category_type = v.category_type
            and s.category = v.category
        where s.dimension is null
    ),

    of_one_indicator as (select * from measured where versus_indicator_id is null),

    -- a is the one that is worse off: the higher value where low is good, else the lower value is taken from the
    -- higher.
    paired as (
        select
            m.*,
            w.value as versus_value,
            w.value_key as versus_value_key,
            {% for column, theirs in [
                ("value", "w.value"),
                ("lower_ci_95", limit_in_use("lower", "95", "w")),
                ("upper_ci_95", limit_in_use("upper", "95", "w")),
            ] %}
                case when m.polarity = 'low_is_good' then m.{{ column }} else {{ theirs }} end as a_{{ column }},
                case when m.polarity = 'low_is_good' then {{ theirs }} else m.{{ column }} end as b_{{ column }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from measured as m
        inner join
            {{ ref("int_indicator_values__valued") }} as w
            on m.versus_indicator_id = w.indicator_id
            and m.area_code = w.area_code
            and m.area_type = w.area_type
            and m.sex = w.sex
            and m.age = w.age
            and m.category_type = w.category_type
            and m.category = w.category
            and m.period_type = w.period_type
            and m.period_start = w.period_start
            and m.period_end = w.period_end
    ),

    between_two_indicators as (
        select
            * exclude (
                versus_value,
                versus_value_key,
                a_value,
                a_lower_ci_95,
                a_upper_ci_95,
                b_value,
                b_lower_ci_95,
                b_upper_ci_95
            ) replace (
                case
                    when gap_measure is distinct from 'relative_gap'
                    then a_value - b_value
                    when a_value > 0 and b_value > 0
                    then a_value / b_value
                end as value,
                {% for side in ["lower", "upper"] %}
                    case
                        when gap_measure = 'relative_gap'
                        then
                            {{
                                ratio_limit(
                                    "a_value",
                                    "a_lower_ci_95",
                                    "a_upper_ci_95",
                                    "b_value",
                                    "b_lower_ci_95",
                                    "b_upper_ci_95",
                                    side,
                                )
                            }}
                        else
                            {{
                                gap_limit(
                                    "a_value",
                                    "a_lower_ci_95",
                                    "a_upper_ci_95",
                                    "b_value",
                                    "b_lower_ci_95",
                                    "b_upper_ci_95",
                                    side,
                                )
                            }}
                    end as {{ side }}_ci_95,
                {% endfor %}
                null as count,
                null as denominator,
                null as compared_to_england_published,
                versus_value as comparator_value,
                versus_value_key as comparator_value_key
            )
        from paired
    ),

    across_groups as (
        select
            s.*,
            {{
                surrogate_key(
                    [
                        "g.indicator_id",
                        "g.area_code",
                        "g.area_type",
                        "g.period_type",
                        "g.period_start",
                        "g.period_end",
                        "g.sex",
                        "g.age",
                        "g.dimension",
                    ]
                )
            }} as inequality_key,
            v.source_release,
            v.period_label,
            g.period_type,
            g.period_start,
            g.period_end,
            v.period_months,
            {% for limit in ["value", "lower_ci_95", "upper_ci_95"] %}
                {%- set ending = "" if limit == "value" else "_" ~ limit -%}
                case
                    s.gap_measure
                    when 'absolute_gap'
                    then g.absolute_gap{{ ending }}
                    when 'relative_gap'
                    then g.relative_gap{{ ending }}
                    when 'slope_index'
                    then x.slope_index{{ ending }}
                    when 'relative_index'
                    then x.relative_index{{ ending }}
                end as {{ limit }},
            {% endfor %}
            v.series_number
        from {{ ref("int_commitments__scoped") }} as s
        inner join
            {{ ref("int_inequality_gaps__measured") }} as g
            on s.indicator_id = g.indicator_id
            and s.area_code = g.area_code
            and s.area_type = g.area_type
            and s.sex = g.sex
            and s.age = g.age
            and s.dimension = g.dimension
        left join
            {{ ref("int_inequality_slopes__simulated") }} as x
            on g.indicator_id = x.indicator_id
            and g.area_code = x.area_code
            and g.area_type = x.area_type
            and g.period_type = x.period_type
            and g.period_start = x.period_start
            and g.period_end = x.period_end
            and g.sex = x.sex
            and g.age = x.age
            and g.dimension = x.dimension
        inner join
            {{ ref("int_indicator_values__valued") }} as v on coalesce(g.value_a_key, g.value_b_key) = v.value_key
    ),

    together as (
        select *
        from of_one_indicator
        union all by name
        select *
        from between_two_indicators
        union all by name
        select
            *,
            null::bigint as value_key,
            0 as is_footprint_value,
            null::double as count,
            null::double as denominator,
            case when value is null then 'missing' else 'present' end as value_status_code
        from across_groups
    ),

    with_length as (
        select
            *,
            list(value) filter (where value is not null) over series_so_far as process_values,
            count(value) over series_so_far as process_points,
            coalesce(
                min(period_months) filter (
                    where period_months = {{ months_of_label("baseline_period_label") }}
                ) over scope,
                min(period_months) over scope
            ) as series_months
        from together
        window
            scope as (partition by commitment_id, area_code, indicator_id, sex, age, category_type, category),
            series_so_far as (
                partition by
                    commitment_id,
                    area_code,
                    indicator_id,
                    sex,
                    age,
                    category_type,
                    category,
                    period_months,
                    series_number
                order by period_end
                rows between unbounded preceding and current row
            )
    )

select *
from with_length
where period_months = series_months
