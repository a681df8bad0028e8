-- What can be said of each document: its commitments by outcome and, where nothing can be said, by reason; one row per
-- framework, outcome and reason. A commitment counts once, at the signed place that says most, and one that repeats
-- another (same_as) is counted apart, so that a total is a total.
--
-- Outcomes: assessed; recorded (a dated action or recurring output with a progress record); not_recorded; optional;
-- no_target; not_assessable; repeated.
with
    best as (
        select
            s.commitment_key,
            s.status_code,
            s.not_assessable_reason,
            row_number() over (
                partition by s.commitment_key order by s.status_code = 'not_assessable', s.status_sort, s.area_code
            ) as place_in_line
        from {{ ref("v_scorecard") }} as s
        where s.place_role = 'signed'
    ),

    said as (
        select
            f.framework_id,
            f.framework,
            case
                when c.same_as_commitment_id is not null
                then 'repeated'
                when s.status_family = 'milestone' and b.status_code = 'permissive'
                then 'optional'
                when s.status_family = 'milestone' and b.status_code = 'unknown'
                then 'not_recorded'
                when s.status_family = 'milestone'
                then 'recorded'
                when b.status_code in ('no_target', 'not_assessable')
                then b.status_code
                else 'assessed'
            end as outcome,
            case when c.same_as_commitment_id is null then b.not_assessable_reason end as not_assessable_reason
        from best as b
        inner join {{ ref("dim_commitment") }} as c on b.commitment_key = c.commitment_key
        inner join {{ ref("dim_framework") }} as f on c.framework_key = f.framework_key
        inner join {{ ref("dim_status") }} as s on b.status_code = s.status_code
        where b.place_in_line = 1
    )

select framework_id, framework, outcome, not_assessable_reason, count(*) as commitments
from said
group by framework_id, framework, outcome, not_assessable_reason
order by framework_id, outcome, not_assessable_reason
