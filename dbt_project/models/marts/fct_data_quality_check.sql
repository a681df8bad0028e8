-- One row per intended check of this run, evaluated or not. The gates over the marts, the tests of this project, what
-- publishing asks of the file, and the checks that were intended and have no result are added at publication.
{% set reproduced = [
    (
        "comparison_with_england_reproduced",
        "published comparisons with England",
        "A comparison that cannot be reproduced hides a method, a vintage or a comparator that we do not know.",
    ),
    (
        "comparison_with_parent_reproduced",
        "published comparisons with the parent area",
        "A comparison that cannot be reproduced hides a method, a vintage or a comparator that we do not know.",
    ),
    (
        "recent_trend_reproduced",
        "published trends",
        "A trend that cannot be reproduced hides a method, a vintage or a series that we do not know.",
    ),
    (
        "goal_reproduced",
        "published comparisons with a goal",
        "A goal that gives another colour than the printed one has another limit or another rule than we know.",
    ),
    (
        "limits_reproduced",
        "published 95 % limits",
        "Limits that the counts do not give come from another method, or the counts are not those behind the value.",
    ),
    (
        "aggregates_reproduced",
        "published figures of larger areas",
        "A larger area that is not the sum of its parts has other members, other rules or parts that were left out.",
    ),
] %}
with
    accounting as (
        select
            source_id,
            'landed = staged + quarantined + refused; served = published + named duplicates' as rule,
            landed_rows = staged_rows + quarantined_rows + refused_rows
            and served_rows = published_rows + duplicate_rows as holds,
            concat(
                landed_rows,
                ' landed = ',
                staged_rows,
                ' staged + ',
                quarantined_rows,
                ' quarantined + ',
                refused_rows,
                ' refused; ',
                served_rows,
                ' served = ',
                published_rows,
                ' published + ',
                duplicate_rows,
                ' named duplicates'
            ) as observed,
            landed_rows
        from {{ ref("source_load") }}
    ),

    -- Sources of indicator values, so that a check with nothing to look at says so.
    value_sources as (
        select distinct l.source_id
        from {{ ref("source_load") }} as l
        inner join {{ source("registry", "indicators") }} as i on l.source_id = i.source_id
    ),

    counted as (
        select
            source_id,
            count(is_count_numerator) as checked_counts,
            count(*) filter (where is_count_numerator = 0) as other_counts,
            to_json(
                min_by(
                    {
                        'indicator_id':indicator_id,
                        'area_code':area_code,
                        'period':period_label,
                        'group':concat_ws(', ', sex, age, nullif(category, 'Total')),
                        'published':value_as_published,
                        'computed':cast(count / denominator * multiplier as varchar),
                        'file':source_file,
                        'record':source_row_number
                    },
                    value_key,
                    20
                ) filter (where is_count_numerator = 0)
            ) as other_counts_json
        from {{ ref("int_indicator_values__measured") }}
        group by source_id
    ),

    series as (
        select
            source_id,
            recent_trend_published,
            bool_or(is_count_numerator = 0 and period_months = 12) over (
                partition by indicator_id, area_code, area_type, sex, age, category_type, category, series_number
            ) as has_other_counts
        from {{ ref("int_indicator_values__measured") }}
    ),

    printed_trends as (
        select
            source_id, count(*) as published_trends, count(*) filter (where has_other_counts) as trends_on_other_counts
        from series
        where recent_trend_published <> 'Cannot be calculated'
        group by source_id
    ),

    corrections as (
        select
            s.source_id,
            count(c.correction_id) as corrections,
            count(*) filter (where c.correction_state = 'guard_not_met') as overtaken
        from value_sources as s
        left join {{ ref("correction") }} as c on coalesce(c.source_id, s.source_id) = s.source_id
        group by s.source_id
    ),

    stated_baselines as (
        -- A baseline that the document prints, beside the same period in today's extract: two vintages are never
        -- mixed silently.
        select
            i.source_id,
            count(e.commitment_id) as compared,
            count(e.commitment_id) filter (
                where abs(e.baseline_value - e.baseline_value_used) > 0.005 * abs(e.baseline_value)
            ) as differ
        from {{ source("registry", "indicators") }} as i
        inner join
            {{ ref("int_commitments__explained") }} as e
            on i.id = e.indicator_id
            and e.is_scorecard_period = 1
            and e.baseline_basis = 'named_period'
            and e.baseline_value is not null
        group by i.source_id
    ),

    -- A target that the baseline met before anything was done asks for nothing, or stands on the wrong side of it.
    targets_at_baseline as (
        select
            source_id,
            count(*) as compared,
            count(*) filter (where is_met) as met,
            cast(
                to_json(
                    list(
                        {
                            'commitment_id':commitment_id,
                            'area_code':area_code,
                            'baseline':baseline_value_used,
                            'target':target_value_used
                        }
                        order by commitment_id, area_code, indicator_id, sex, age
                    ) filter (where is_met)[1:20]
                ) as varchar
            ) as details_json
        from
            (
                select *, sign * (baseline_value_used - target_value_used) >= 0 as is_met
                from {{ ref("int_commitments__explained") }}
                where
                    is_scorecard_period = 1
                    and place_role = 'signed'
                    and has_straight_path
                    and baseline_value_used is not null
                    and target_value_used is not null
            )
        group by source_id
    ),

    -- The checks of the model: what was looked at, what differs, and the words for both.
    model_checks as (
        {% for check_id, things, why in reproduced %}
            select
                s.source_id,
                '{{ check_id }}' as check_id,
                'published_equals_computed' as expectation_type,
                coalesce(c.compared, 0) as rows_evaluated,
                coalesce(c.differ, 0) as rows_failed,
                case
                    when coalesce(c.compared, 0) = 0
                    then
                        'The source has no {{ things }} that can be computed from its rows'
                        || case when coalesce(c.undetermined, 0) = 0 then '.' else '' end
                    else concat(c.compared - c.differ - c.near, ' of ', c.compared, ' {{ things }} reproduced')
                end
                || case when coalesce(c.near, 0) > 0 then concat(', ', c.near, ' nearly') else '' end
                || case
                    when coalesce(c.undetermined, 0) > 0
                    then concat('; ', c.undetermined, ' cannot be determined from the rows at hand')
                    else ''
                end as observed,
                nullif(c.details_json, '[]') as details_json,
                '{{ why }}' as why
            from value_sources as s
            left join
                {{ ref("int_published_figures__checked") }} as c
                on s.source_id = c.source_id
                and c.check_id = '{{ check_id }}'
            union all by name
        {% endfor %}
        select
            s.source_id,
            'stated_baseline_found_in_extract' as check_id,
            'stated_equals_extract' as expectation_type,
            coalesce(b.compared, 0) as rows_evaluated,
            coalesce(b.differ, 0) as rows_failed,
            case
                when coalesce(b.compared, 0) = 0
                then 'No commitment prints a baseline that this source also has.'
                else
                    concat(
                        b.compared - b.differ,
                        ' of ',
                        b.compared,
                        ' printed baselines agree with the extract within 0.5 %'
                    )
            end as observed,
            'A baseline that was revised since the document was signed changes what the target means.' as why
        from value_sources as s
        left join stated_baselines as b on s.source_id = b.source_id
        union all by name
        select
            s.source_id,
            'target_not_met_at_baseline' as check_id,
            'target_asks_for_something' as expectation_type,
            coalesce(b.compared, 0) as rows_evaluated,
            coalesce(b.met, 0) as rows_failed,
            case
                when coalesce(b.compared, 0) = 0
                then 'No commitment sets a level for an indicator of this source and has a baseline in it.'
                else concat(b.met, ' of ', b.compared, ' targets were met by their baseline already')
            end as observed,
            nullif(b.details_json, '[]') as details_json,
            'A target that was met when it was signed asks for nothing, or was written with the wrong sign.' as why
        from value_sources as s
        left join targets_at_baseline as b on s.source_id = b.source_id
        union all by name
        select
            s.source_id,
            'counts_are_numerators' as check_id,
            'ratio_equals_value' as expectation_type,
            coalesce(c.checked_counts, 0) as rows_evaluated,
            coalesce(c.other_counts, 0) as rows_failed,
            case
                when coalesce(c.checked_counts, 0) = 0
                then 'No row has a count and a denominator of a proportion or crude rate.'
                else concat(c.other_counts, ' of ', c.checked_counts, ' counts are not the numerators of their values')
            end as observed,
            c.other_counts_json as details_json,
            'A count that is not what was divided makes every sum, rate and test built on it wrong.' as why
        from value_sources as s
        left join counted as c on s.source_id = c.source_id
        union all by name
        select
            s.source_id,
            'published_trend_rests_on_numerators' as check_id,
            'trend_inputs_are_counts' as expectation_type,
            coalesce(c.published_trends, 0) as rows_evaluated,
            coalesce(c.trends_on_other_counts, 0) as rows_failed,
            case
                when coalesce(c.published_trends, 0) = 0
                then 'The source publishes no trend.'
                else
                    concat(
                        c.trends_on_other_counts,
                        ' of ',
                        c.published_trends,
                        ' published trends have counts in their series that are not numerators'
                    )
            end as observed,
            'The publisher computes trends from counts: where these are something else, the printed trend means nothing.'
            as why
        from value_sources as s
        left join printed_trends as c on s.source_id = c.source_id
        union all by name
        select
            s.source_id,
            'corrections_still_needed' as check_id,
            'guard_holds' as expectation_type,
            coalesce(c.corrections, 0) as rows_evaluated,
            coalesce(c.overtaken, 0) as rows_failed,
            case
                when coalesce(c.corrections, 0) = 0
                then 'No correction is kept for this source.'
                else
                    concat(
                        c.overtaken,
                        ' of ',
                        c.corrections,
                        ' corrections expect a figure that the publisher no longer prints'
                    )
            end as observed,
            'A correction of a figure that has changed at the source must be looked at again, and is not made until then.'
            as why
        from value_sources as s
        left join corrections as c on s.source_id = c.source_id
    ),

    checks as (
        select
            -- The log of the register names its seed where that of a load names its source.
            case when stage <> 'register' then source_id end as source_id,
            source_id as subject_name,
            stage,
            case when stage = 'register' then source_id || '.' else '' end || check_id as check_id,
            expectation_type,
            column_name,
            severity,
            outcome,
            rows_evaluated,
            rows_failed,
            observed,
            details_json,
            why,
            evaluated_at
        from {{ source("check_log", "checks") }}
        union all by name
        select
            source_id,
            source_id as subject_name,
            'model' as stage,
            'rows_accounted_for' as check_id,
            'row_accounting' as expectation_type,
            'critical' as severity,
            case when holds then 'passed' else 'blocked' end as outcome,
            landed_rows as rows_evaluated,
            case when holds then 0 else landed_rows end as rows_failed,
            observed,
            'No row may be lost between the file and the published tables.' as why,
            {{ built_at() }} as evaluated_at
        from accounting
        union all by name
        select
            *,
            source_id as subject_name,
            'model' as stage,
            'info' as severity,
            case
                when rows_evaluated = 0 then 'not_evaluated' when rows_failed = 0 then 'passed' else 'warned'
            end as outcome,
            {{ built_at() }} as evaluated_at
        from model_checks
    )

select
    {{ surrogate_key(["source_id", "stage", "check_id"]) }} as data_quality_check_key,
    case when source_id is null then -2 else {{ surrogate_key(["source_id"]) }} end as source_key,
    cast(source_id as varchar) as source_id,
    cast(subject_name as varchar) as subject_name,
    cast(stage as varchar) as stage,
    cast(check_id as varchar) as check_id,
    cast(expectation_type as varchar) as expectation_type,
    cast(column_name as varchar) as column_name,
    cast(severity as varchar) as severity,
    cast(outcome as varchar) as outcome,
    cast(rows_evaluated as bigint) as rows_evaluated,
    cast(rows_failed as bigint) as rows_failed,
    cast(observed as varchar) as observed,
    cast(details_json as varchar) as details_json,
    cast(why as varchar) as why,
    cast(evaluated_at as timestamp) as evaluated_at,
    -- A source in which nothing changed is not gated again: what its gate said then still holds.
    cast(evaluated_at < {{ built_at() }} as smallint) as is_carried_over
from checks
order by source_id, stage, check_id
