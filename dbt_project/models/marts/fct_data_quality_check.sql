-- One row per source and intended check of this run, evaluated or not. The gates over the marts add theirs at
-- publication.
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
            landed_rows,
            checked_at
        from {{ ref("source_load") }}
    ),

    disagreements as (
        select
            source_id,
            count(*) as compared,
            count(*) filter (
                where regexp_extract(compared_to_england_published, '^\w+') <> compared_to_england_computed
            ) as differ
        from {{ ref("int_indicator_values__compared") }}
        where
            compared_to_england_published is not null
            and compared_to_england_published <> 'Not compared'
            and compared_to_england_computed <> 'Not compared'
        group by source_id
    ),

    -- Sources of indicator values, so that a check with nothing to look at says so.
    value_sources as (
        select l.source_id, any_value(l.checked_at) as checked_at
        from {{ ref("source_load") }} as l
        inner join {{ source("registry", "indicators") }} as i on l.source_id = i.source_id
        group by l.source_id
    ),

    series as (
        select
            source_id,
            is_count_numerator,
            recent_trend_published,
            recent_trend_computed,
            bool_or(is_count_numerator = 0 and period_months = 12) over (
                partition by indicator_id, area_code, area_type, sex, age, category_type, category, series_number
            ) as has_other_counts
        from {{ ref("int_indicator_values__trended") }}
    ),

    counted as (
        select
            source_id,
            count(is_count_numerator) as checked_counts,
            count(*) filter (where is_count_numerator = 0) as other_counts,
            count(*) filter (
                where
                    recent_trend_published <> 'Cannot be calculated' and recent_trend_computed <> 'Cannot be calculated'
            ) as both_trends,
            count(*) filter (
                where
                    recent_trend_published <> 'Cannot be calculated'
                    and recent_trend_computed <> 'Cannot be calculated'
                    and regexp_extract(recent_trend_published, '^\w+') <> regexp_extract(recent_trend_computed, '^\w+')
            ) as differing_trends,
            count(*) filter (where recent_trend_published <> 'Cannot be calculated') as published_trends,
            count(*) filter (
                where recent_trend_published <> 'Cannot be calculated' and has_other_counts
            ) as trends_on_other_counts
        from series
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
            l.source_id,
            count(e.commitment_id) as compared,
            count(e.commitment_id) filter (
                where abs(e.baseline_value - e.baseline_value_used) > 0.005 * abs(e.baseline_value)
            ) as differ,
            any_value(l.checked_at) as checked_at
        from {{ ref("source_load") }} as l
        left join {{ source("registry", "indicators") }} as i on l.source_id = i.source_id
        left join
            {{ ref("int_commitments__explained") }} as e
            on i.id = e.indicator_id
            and e.is_scorecard_period = 1
            and e.baseline_basis = 'named_period'
            and e.baseline_value is not null
        where i.id is not null
        group by l.source_id
    ),

    checks as (
        select
            source_id,
            stage,
            check_id,
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
            'model' as stage,
            'rows_accounted_for' as check_id,
            'row_accounting' as expectation_type,
            'critical' as severity,
            case when holds then 'passed' else 'blocked' end as outcome,
            landed_rows as rows_evaluated,
            case when holds then 0 else landed_rows end as rows_failed,
            observed,
            'No row may be lost between the file and the published tables.' as why,
            checked_at as evaluated_at
        from accounting
        union all by name
        select
            d.source_id,
            'model' as stage,
            'comparison_with_england_reproduced' as check_id,
            'published_equals_computed' as expectation_type,
            'info' as severity,
            case when d.differ = 0 then 'passed' else 'warned' end as outcome,
            d.compared as rows_evaluated,
            d.differ as rows_failed,
            concat(
                d.compared - d.differ, ' of ', d.compared, ' published comparisons reproduced from the published limits'
            ) as observed,
            'A comparison that cannot be reproduced hides a method, a vintage or a comparator that we do not know.'
            as why,
            l.checked_at as evaluated_at
        from disagreements as d
        inner join {{ ref("source_load") }} as l on d.source_id = l.source_id
        union all by name
        select
            source_id,
            'model' as stage,
            'stated_baseline_found_in_extract' as check_id,
            'stated_equals_extract' as expectation_type,
            'info' as severity,
            case when compared = 0 then 'not_evaluated' when differ = 0 then 'passed' else 'warned' end as outcome,
            compared as rows_evaluated,
            differ as rows_failed,
            case
                when compared = 0
                then 'No commitment prints a baseline that this source also has.'
                else
                    concat(
                        compared - differ, ' of ', compared, ' printed baselines agree with the extract within 0.5 %'
                    )
            end as observed,
            'A baseline that was revised since the document was signed changes what the target means.' as why,
            checked_at as evaluated_at
        from stated_baselines
        union all by name
        select
            s.source_id,
            'model' as stage,
            'counts_are_numerators' as check_id,
            'ratio_equals_value' as expectation_type,
            'info' as severity,
            case
                when coalesce(c.checked_counts, 0) = 0
                then 'not_evaluated'
                when c.other_counts = 0
                then 'passed'
                else 'warned'
            end as outcome,
            coalesce(c.checked_counts, 0) as rows_evaluated,
            coalesce(c.other_counts, 0) as rows_failed,
            case
                when coalesce(c.checked_counts, 0) = 0
                then 'No row has a count and a denominator of a proportion or crude rate.'
                else concat(c.other_counts, ' of ', c.checked_counts, ' counts are not the numerators of their values')
            end as observed,
            'A count that is not what was divided makes every sum, rate and test built on it wrong.' as why,
            s.checked_at as evaluated_at
        from value_sources as s
        left join counted as c on s.source_id = c.source_id
        union all by name
        select
            s.source_id,
            'model' as stage,
            'recent_trend_reproduced' as check_id,
            'published_equals_computed' as expectation_type,
            'info' as severity,
            case
                when coalesce(c.both_trends, 0) = 0
                then 'not_evaluated'
                when c.differing_trends = 0
                then 'passed'
                else 'warned'
            end as outcome,
            coalesce(c.both_trends, 0) as rows_evaluated,
            coalesce(c.differing_trends, 0) as rows_failed,
            case
                when coalesce(c.both_trends, 0) = 0
                then 'No published trend stands beside one that can be computed from the rows of this source.'
                else concat(c.both_trends - c.differing_trends, ' of ', c.both_trends, ' published trends reproduced')
            end as observed,
            'A trend that cannot be reproduced hides a method, a vintage or a series that we do not know.' as why,
            s.checked_at as evaluated_at
        from value_sources as s
        left join counted as c on s.source_id = c.source_id
        union all by name
        select
            s.source_id,
            'model' as stage,
            'published_trend_rests_on_numerators' as check_id,
            'trend_inputs_are_counts' as expectation_type,
            'info' as severity,
            case
                when coalesce(c.published_trends, 0) = 0
                then 'not_evaluated'
                when c.trends_on_other_counts = 0
                then 'passed'
                else 'warned'
            end as outcome,
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
            as why,
            s.checked_at as evaluated_at
        from value_sources as s
        left join counted as c on s.source_id = c.source_id
        union all by name
        select
            s.source_id,
            'model' as stage,
            'corrections_still_needed' as check_id,
            'guard_holds' as expectation_type,
            'info' as severity,
            case
                when coalesce(c.corrections, 0) = 0
                then 'not_evaluated'
                when c.overtaken = 0
                then 'passed'
                else 'warned'
            end as outcome,
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
            as why,
            s.checked_at as evaluated_at
        from value_sources as s
        left join corrections as c on s.source_id = c.source_id
    )

select
    {{ surrogate_key(["source_id", "stage", "check_id"]) }} as data_quality_check_key,
    {{ surrogate_key(["source_id"]) }} as source_key,
    cast(source_id as varchar) as source_id,
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
    cast(evaluated_at as timestamp) as evaluated_at
from checks
order by source_id, stage, check_id
