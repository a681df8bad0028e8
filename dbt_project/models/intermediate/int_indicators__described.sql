-- Every declared indicator with the way in which its values are compared and limits are computed from its counts.
--
-- Comparison: the rule of the seed `comparison_rules` for the indicator, else for its value type, else the default.
-- Limits: only where the value is a ratio of counts and nothing else. A survey weights its answers and a model borrows
-- from neighbours, so that limits from their counts would be too narrow; the reason says so.
with
    rules as (
        select
            i.id as indicator_id,
            arg_max(
                r, case when r.indicator_id is not null then 2 when r.value_type is not null then 1 else 0 end
            ) as rule
        from {{ source("registry", "indicators") }} as i
        inner join
            {{ ref("comparison_rules") }} as r
            on coalesce(r.indicator_id, i.id) = i.id
            and coalesce(r.value_type, i.value_type) = i.value_type
        group by i.id
    ),

    with_method as (
        select
            i.*,
            r.rule.rule_id as comparison_rule_id,
            r.rule.comparator_method as comparator_method,
            r.rule.confidence as comparator_confidence,
            r.rule.reason as comparator_reason,
            case
                when i.value_type = 'proportion' and coalesce(i.ci_method, 'wilson') = 'wilson'
                then 'wilson'
                when i.value_type = 'crude_rate' and coalesce(i.ci_method, 'byar') = 'byar'
                then 'byar_or_exact'
            end as limits_method
        from {{ source("registry", "indicators") }} as i
        left join rules as r on i.id = r.indicator_id
    )

select
    *,
    case
        when limits_method is not null
        then null
        when value_type in ('proportion', 'crude_rate')
        then 'needs_more_than_counts'
        when value_type = 'count'
        then 'is_a_count'
        else 'not_a_ratio_of_counts'
    end as no_limits_reason
from with_method
