-- The kept rows with what the indicator says of them, and with what their own counts give: the value again, and
-- limits. As published and as computed stand side by side; where nothing can be computed the reason stands there.
--
-- series_number: odd numbers count the series of an indicator, cut at each documented break. A period that spans a
-- break mixes two series, so it has the even number between them.
-- A view, like the corrected rows below it: it is read column by column.
{{ config(materialized="view") }}
with
    breaks as (
        select indicator_id, list(first_period_start) as starts from {{ ref("series_breaks") }} group by indicator_id
    ),

    described as (
        select
            v.*,
            i.polarity,
            i.value_type,
            i.multiplier,
            i.aggregation,
            i.count_rounding,
            i.comparator_method,
            i.comparator_confidence,
            i.limits_method,
            a.region_code,
            {{
                is_count_numerator(
                    "i.value_type", "v.value", "v.count", "v.denominator", "i.multiplier", "v.value_as_published"
                )
            }} as is_count_numerator,
            -- Few indicators have a break, so that the list is empty for nearly every row.
            cast(
                case
                    when b.starts is null
                    then 1
                    else
                        1
                        + len(list_filter(b.starts, lambda start:start <= v.period_start))
                        + len(list_filter(b.starts, lambda start:start <= v.period_end))
                end as smallint
            ) as series_number,
            i.no_limits_reason
        from {{ ref("int_indicator_values__corrected") }} as v
        left join {{ ref("int_indicators__described") }} as i on v.indicator_id = i.id
        left join {{ ref("areas") }} as a on v.area_code = a.area_code and v.area_type = a.area_type
        left join breaks as b on v.indicator_id = b.indicator_id
    ),

    reasoned as (
        select
            * exclude (no_limits_reason),
            case
                when no_limits_reason is not null
                then no_limits_reason
                when value is null
                then 'no_value'
                when count is null or denominator is null
                then 'no_counts'
                when denominator <= 0
                then 'no_denominator'
                when is_count_numerator = 0
                then 'count_is_not_numerator'
                when limits_method = 'wilson' and count > denominator
                then 'count_above_denominator'
                when limits_method = 'byar_or_exact' and count < 10 and count <> floor(count)
                then 'count_is_not_whole'
            end as not_computed_reason
        from described
    )

select
    * exclude (limits_method),
    case when not_computed_reason is null then count / denominator * multiplier end as value_computed,
    {% for confidence in ["95", "99.8"] %}
        {% for side in ["lower", "upper"] %}
            case
                when not_computed_reason is not null
                then null
                when limits_method = 'wilson'
                then {{ proportion_limit("count", "denominator", "multiplier", confidence, side) }}
                else {{ rate_limit("count", "denominator", "multiplier", confidence, side) }}
            end as {{ side }}_ci_{{ confidence | replace(".", "_") }}_computed,
        {% endfor %}
    {% endfor %}
    case when not_computed_reason is null then limits_method end as limits_method
from reasoned
