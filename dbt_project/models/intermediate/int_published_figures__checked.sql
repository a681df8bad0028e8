-- What the publisher prints beside what is computed here: per source and kind of figure, how many were compared, how
-- many differ, and up to twenty of those with both values, file and record. A figure that one side lacks is not a
-- disagreement; it is counted apart. One pass of the values for each kind.
--
-- A printed limit is reproduced when the computed one lies within rounding: half a unit of the last decimal of the
-- value and a millionth of the limit, or between the limits of the least and the greatest count that rounds to the
-- printed one. A plain tolerance would not do: one of 0.1 % would take Byar's limits for Wilson's in most rows. Limits
-- that miss by less than 2 % of half the interval are counted apart, as near: another formula of the same kind.
{% set kinds = [
    {
        "check_id": "comparison_with_england_reproduced",
        "published": "regexp_replace(v.compared_to_england_published, ' (95|99.8)%?$', '')",
        "computed": "regexp_replace(v.compared_to_england_computed, ' (95|99.8)%?$', '')",
        "present": "v.compared_to_england_published is not null",
        "determinable": "(v.compared_to_england_computed = 'Not compared') = (v.compared_to_england_published = 'Not compared') or v.comparison_limits = 'published'",
    },
    {
        "check_id": "comparison_with_parent_reproduced",
        "published": "regexp_replace(v.compared_to_parent_published, ' (95|99.8)%?$', '')",
        "computed": "regexp_replace(v.compared_to_parent_computed, ' (95|99.8)%?$', '')",
        "present": "v.compared_to_parent_published is not null",
        "determinable": "(v.compared_to_parent_computed = 'Not compared') = (v.compared_to_parent_published = 'Not compared') or v.comparison_limits = 'published'",
    },
    {
        "check_id": "recent_trend_reproduced",
        "published": "v.recent_trend_published",
        "computed": "t.recent_trend_computed",
        "present": "v.recent_trend_published is not null",
        "determinable": "t.recent_trend_computed is not null and coalesce(t.recent_trend_basis, '') <> 'computed_limits' and (t.recent_trend_computed <> 'Cannot be calculated' or v.recent_trend_published = 'Cannot be calculated')",
    },
    {
        "check_id": "goal_reproduced",
        "published": "v.compared_to_goal_published",
        "computed": "v.compared_to_goal_computed",
        "present": "v.compared_to_goal_published is not null",
        "determinable": "v.compared_to_goal_computed is not null",
    },
    {
        "check_id": "limits_reproduced",
        "published": "concat(round(v.lower_ci_95, 6), ' to ', round(v.upper_ci_95, 6))",
        "computed": "concat(round(v.lower_ci_95_computed, 6), ' to ', round(v.upper_ci_95_computed, 6))",
        "present": "v.lower_ci_95 is not null and v.upper_ci_95 is not null",
        "determinable": "v.limits_method is not null",
        "agrees": "(" ~ limit_is_reproduced("lower") ~ " and " ~ limit_is_reproduced("upper") ~ ")",
        "near": "greatest(abs(v.lower_ci_95 - v.lower_ci_95_computed), abs(v.upper_ci_95 - v.upper_ci_95_computed))"
        " <= 0.01 * (v.upper_ci_95 - v.lower_ci_95)",
    },
] %}
with
    {% for kind in kinds %}
        {{ kind.check_id }} as (
            select
                v.source_id,
                case
                    when not coalesce({{ kind.determinable }}, false)
                    then 'undetermined'
                    when {{ kind.agrees | default("(" ~ kind.published ~ ") = (" ~ kind.computed ~ ")") }}
                    then 'agrees'
                    {% if kind.near %} when {{ kind.near }} then 'near' {% endif %}
                    else 'differs'
                end as verdict,
                v.value_key,
                {
                    'indicator_id':v.indicator_id,
                    'area_code':v.area_code,
                    'period':v.period_label,
                    'group':concat_ws(', ', v.sex, v.age, nullif(v.category, 'Total')),
                    'published':{{ kind.published }},
                    'computed':{{ kind.computed }},
                    'file':v.source_file,
                    'record':v.source_row_number
                } as example
            from {{ ref("int_indicator_values__compared") }} as v
            {% if "t." in kind.computed %}
                left join {{ ref("int_recent_trends__computed") }} as t on v.value_key = t.value_key
            {% endif %}
            where v.is_footprint_value = 0 and {{ kind.present }}
        ),
    {% endfor %}

    aggregates_reproduced as (
        select
            source_id,
            case
                when footprint_reason is not null
                then 'undetermined'
                when
                    -- Each member's count may be off by half the step to which the publisher rounds.
                    abs(value - published_value)
                    <= {{ half_unit("published_as_published") }}
                    + 1e-6 * abs(published_value)
                    + coalesce(count_rounding / 2.0 * (constituents + 1) / nullif(denominator, 0) * multiplier, 0)
                then 'agrees'
                else 'differs'
            end as verdict,
            value_key,
            {
                'indicator_id':indicator_id,
                'area_code':area_code,
                'period':period_label,
                'group':concat_ws(', ', sex, age, nullif(category, 'Total')),
                'published':cast(published_value as varchar),
                'computed':cast(value as varchar),
                'file':published_file,
                'record':published_row_number
            } as example
        from {{ ref("int_footprint_values__aggregated") }}
        where published_value is not null and aggregation in ('sum', 'sum_counts')
    )

{% for check_id in (kinds | map(attribute="check_id") | list) + ["aggregates_reproduced"] %}
    select
        source_id,
        '{{ check_id }}' as check_id,
        cast(count(*) filter (where verdict <> 'undetermined') as bigint) as compared,
        cast(count(*) filter (where verdict = 'differs') as bigint) as differ,
        cast(count(*) filter (where verdict = 'near') as bigint) as near,
        cast(count(*) filter (where verdict = 'undetermined') as bigint) as undetermined,
        to_json(min_by(example, value_key, 20) filter (where verdict = 'differs')) as details_json
    from {{ check_id }}
    group by source_id {{ "union all" if not loop.last }}
{% endfor %}
