-- What came of the checks of this release: one row per stage and subject. A check that was intended is in exactly one
-- of
-- the columns after the first count, so that nothing passes by not being asked.
select
    stage,
    subject_name,
    count(*) as intended_checks,
    count(*) filter (where outcome = 'passed') as passed_checks,
    count(*) filter (where outcome = 'warned') as warned_checks,
    count(*) filter (where outcome = 'quarantined') as quarantined_checks,
    count(*) filter (where outcome = 'blocked') as blocked_checks,
    count(*) filter (where outcome = 'not_evaluated') as not_evaluated_checks,
    count(*) filter (where is_carried_over = 1) as carried_over_checks,
    max(evaluated_at) as last_evaluated_at
from {{ ref("fct_data_quality_check") }}
group by stage, subject_name
order by stage, subject_name
