-- The state of every dated action, and of every instance of an output that is promised once a period, from the newest
-- progress record on or before the as-at day. One row per commitment and instance; an action has one row without an
-- instance.
--
-- Without a record the state is `unknown`: silence is neither success nor failure. The day of completion decides
-- whether
-- an action was late; where the record gives none, the day of the record stands for it, which is the latest that it can
-- have been. Instances run from the first day of validity, or an earlier due date, to the due date, as far as they
-- have begun; years, quarters
-- and months are listed, while weeks and fortnights would be hundreds of rows without a record and are kept as one row.
with
    scope as (
        select
            c.*,
            case
                c.recurrence when 'annual' then 12 when 'quarterly' then 3 when 'bimonthly' then 2 when 'monthly' then 1
            end as instance_months
        from {{ ref("commitments") }} as c
        where
            (c.target_type = 'completion_by_date' or c.recurrence is not null)
            and c.valid_from <= {{ as_at() }}
            and (c.valid_to is null or c.valid_to > {{ as_at() }})
    ),

    numbered as (
        select
            * exclude (instance_start),
            cast(instance_start as date) as instance_start,
            last_day(cast(instance_start + to_months(cast(instance_months - 1 as integer)) as date)) as instance_end
        from
            (
                select
                    *,
                    unnest(
                        generate_series(
                            cast(
                                date_trunc(
                                    case instance_months when 12 then 'year' when 3 then 'quarter' else 'month' end,
                                    least(valid_from, due_date)
                                ) as timestamp
                            ),
                            cast(least(coalesce(due_date, {{ as_at() }}), {{ as_at() }}) as timestamp),
                            to_months(cast(instance_months as integer))
                        )
                    ) as instance_start
                from scope
                where instance_months is not null
            )
    ),

    instances as (
        select
            *,
            case
                instance_months
                when 12
                then strftime(instance_start, '%Y')
                when 3
                then concat(year(instance_start), '-Q', quarter(instance_start))
                else strftime(instance_start, '%Y-%m')
            end as instance,
            instance_end as instance_due_date
        from numbered
        union all by name
        select *, null::varchar as instance, due_date as instance_due_date
        from scope
        where instance_months is null
    ),

    latest_record as (
        -- The whole record: what the newest one leaves empty is not taken from an older one.
        select *
        from {{ ref("milestone_progress") }}
        where recorded_on <= {{ as_at() }}
        qualify row_number() over (partition by commitment_id, instance order by recorded_on desc) = 1
    )

select
    c.commitment_id,
    c.valid_from,
    c.recurrence,
    c.instance,
    c.instance_due_date as due_date,
    c.due_date_precision,
    r.recorded_on,
    r.completed_on,
    r.state as recorded_state,
    r.evidence_document,
    r.evidence_line,
    r.note,
    case
        when c.is_permissive = 1
        then 'permissive'
        when r.state is null
        then 'unknown'
        when r.state = 'done'
        then case when coalesce(r.completed_on, r.recorded_on) > c.instance_due_date then 'done_late' else 'done' end
        when c.instance_due_date < {{ as_at() }}
        then 'overdue'
        else r.state
    end as state
from instances as c
left join latest_record as r on c.commitment_id = r.commitment_id and c.instance is not distinct from r.instance
