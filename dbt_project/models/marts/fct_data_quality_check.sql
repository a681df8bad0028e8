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
