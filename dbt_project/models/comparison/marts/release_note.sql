-- What is new in this release against the one before, one row an item, in the order of the printed notes. Values are
-- told by indicator and cause, with the largest change as the example; every one of them is in fct_revision. A first
-- release has one row.
{% set cause_words %}
    case cause
        when 'new_release' then 'it came with a new release of the source'
        when 'source_withdrawn' then 'the source is no longer read'
        when 'file_replaced' then 'the file of the release was replaced'
        when 'release_withdrawn' then 'a release of the source is no longer read'
        when 'correction' then 'a correction was made or withdrawn'
        when 'declaration' then 'the files are read in another way'
        else 'a rule of the register or the code was changed'
    end
{% endset %}
{% set status_cause_words %}
    case cause
        when 'changed_target' then 'the commitment was changed in the register'
        when 'new_data' then 'newer figures or records came in'
        when 'revised_data' then 'the figures behind it were revised'
        when 'time_passed' then 'a deadline has passed'
        else 'the rules were changed'
    end
{% endset %}
{% set figure %}
    concat(
        area_name,
        ', ',
        period_label,
        case
            when sex <> 'Persons' or category <> 'Total'
            then concat(' (', concat_ws(', ', nullif(sex, 'Persons'), nullif(category, 'Total')), ')')
            else ''
        end
    )
{% endset %}
{% set example_order %}
    period_end, period_start, area_code, area_type, period_type, sex, age, category_type, category
{% endset %}
with
    before as (select * from {{ source("previous", "release") }}),

    changes as (
        select
            *,
            {{ figure }} as figure,
            {{ with_unit("old_value", "unit", "decimal_places") }} as old_text,
            {{ with_unit("new_value", "unit", "decimal_places") }} as new_text,
            coalesce(abs(change_percent), 'infinity'::double) as size
        from {{ ref("int_release_values__changed") }}
    ),

    -- The largest change of each group, and of equal ones the newest, as the example.
    beyond as (
        select
            source_id,
            indicator_id,
            cause,
            count(*) as value_count,
            max(indicator_name) as indicator_name,
            arg_max(
                struct_pack(figure := figure, old_text := old_text, new_text := new_text, area_code := area_code),
                (size, {{ example_order }})
            ) as example,
            min(announced_reason) as announced_reason
        from changes
        where is_beyond_5_percent = 1
        group by source_id, indicator_id, cause
    ),

    other_revisions as (
        select
            source_id,
            indicator_id,
            cause,
            case
                when revision_kind in ('suppressed_now', 'no_longer_suppressed', 'value_gone', 'value_found')
                then revision_kind
                when revision_kind = 'revised'
                then 'revised'
                else 'other'
            end as kind,
            count(*) as value_count,
            max(indicator_name) as indicator_name,
            arg_max(
                struct_pack(figure := figure, old_text := old_text, new_text := new_text, area_code := area_code),
                ({{ example_order }})
            ) as example
        from changes
        where was_there and is_there and is_beyond_5_percent = 0
        group by all
    ),

    -- The newest period that each indicator had.
    latest as (
        select indicator_id, arg_max(period_label, (period_end, period_sort, period_label)) as period_label
        from {{ source("previous", "indicator_values") }}
        group by indicator_id
    ),

    arrivals as (
        select
            source_id,
            indicator_id,
            revision_kind,
            cause,
            count(*) as value_count,
            max(indicator_name) as indicator_name,
            count(distinct area_code) as areas,
            arg_max(period_label, (period_end, period_sort, period_label)) as newest_period,
            arg_min(period_label, (period_end, period_sort, period_label)) as oldest_period
        from changes
        where not was_there
        group by all
    ),

    departures as (
        select
            source_id,
            indicator_id,
            cause,
            count(*) as value_count,
            max(indicator_name) as indicator_name,
            count(distinct area_code) as areas,
            arg_max(period_label, (period_end, period_sort, period_label)) as newest_period,
            arg_min(period_label, (period_end, period_sort, period_label)) as oldest_period
        from changes
        where not is_there
        group by all
    ),

    indicators_now as (select distinct indicator_id from {{ ref("int_release_values__kept") }}),

    -- Areas of a source with a value before and none now.
    areas_lost as (
        select c.source_id, c.area_code, max(c.area_name) as area_name, count(*) as value_count, min(cause) as cause
        from changes as c
        anti join
            (
                select distinct source_id, area_code from {{ ref("int_release_values__kept") }} where value is not null
            ) as n
            on c.source_id = n.source_id
            and c.area_code = n.area_code
        where c.old_value is not null and c.new_value is null
        group by c.source_id, c.area_code
    ),

    statuses as (
        select c.*, i.decimal_places, {{ status_cause_words }} as cause_text
        from {{ ref("int_release_statuses__changed") }} as c
        left join {{ ref("dim_indicator") }} as i on c.indicator_id = i.indicator_id
    ),

    commitments as (
        select
            commitment_id,
            max(title) as title,
            cause,
            count(*) as places,
            min(coalesce(new_status_label, old_status_label)) as status_label
        from statuses
        where cause in ('added', 'withdrawn')
        group by commitment_id, cause
    ),

    loads_before as (
        select source_id, max(is_stale) as is_stale, max({{ released_on("source_release") }}) as released_on
        from {{ source("previous", "indicator_values") }}
        group by source_id
    ),

    loads_now as (
        select source_id, max({{ released_on("source_release") }}) as released_on
        from {{ ref("int_release_values__kept") }}
        group by source_id
    ),

    items as (
        select
            2 as section_order,
            'approved_change' as section,
            c.source_id,
            c.values_beyond + c.values_lost as value_count,
            'approved' as cause,
            c.change_id,
            concat(
                'A large change of ',
                coalesce(s.source_title, 'the register'),
                ' was approved by ',
                a.approved_by,
                ': ',
                a.reason
            ) as sentence
        from {{ ref("int_source_changes__counted") }} as c
        inner join {{ source("previous", "approvals") }} as a on c.change_id = a.change_id
        left join {{ ref("dim_source") }} as s on c.source_id = s.source_id
        union all by name
        select
            3 as section_order,
            'status_changed' as section,
            source_id,
            indicator_id,
            commitment_id,
            area_code,
            old_status_label as old_text,
            new_status_label as new_text,
            cause,
            concat(
                title,
                ' (',
                area_name,
                '): from ',
                old_status_label,
                ' to ',
                new_status_label,
                ', because ',
                cause_text,
                case
                    when cause in ('new_data', 'revised_data') and new_actual_value is not null
                    then
                        concat(
                            ': ',
                            coalesce({{ rounded("old_actual_value", "decimal_places") }}, 'no figure'),
                            coalesce(' in ' || old_period_label, ''),
                            ' before, ',
                            {{ rounded("new_actual_value", "decimal_places") }},
                            coalesce(' in ' || new_period_label, ''),
                            ' now'
                        )
                    when cause = 'changed_target' and {{ differs("old_target_value", "new_target_value") }}
                    then
                        concat(
                            ': target ',
                            coalesce({{ rounded("old_target_value", "decimal_places") }}, 'none'),
                            ' before, ',
                            coalesce({{ rounded("new_target_value", "decimal_places") }}, 'none'),
                            ' now'
                        )
                    else ''
                end,
                '.'
            ) as sentence
        from statuses
        where was_there and is_there
        union all by name
        select
            4 as section_order,
            'changed_beyond_5_percent' as section,
            source_id,
            indicator_id,
            example.area_code as area_code,
            value_count,
            example.old_text as old_text,
            example.new_text as new_text,
            cause,
            concat(
                indicator_name,
                ': ',
                format('{:,d}', value_count),
                case when value_count = 1 then ' value' else ' values' end,
                ' changed by more than 5%; the most in ',
                example.figure,
                ', from ',
                example.old_text,
                ' to ',
                example.new_text,
                '. Why: ',
                {{ cause_words }},
                '.',
                coalesce(' ' || announced_reason, '')
            ) as sentence
        from beyond
        union all by name
        select
            case when kind = 'revised' then 5 else 6 end as section_order,
            case when kind = 'revised' then 'revised' else 'presence_changed' end as section,
            source_id,
            indicator_id,
            example.area_code as area_code,
            value_count,
            example.old_text as old_text,
            example.new_text as new_text,
            cause,
            concat(
                indicator_name,
                ': ',
                format('{:,d}', value_count),
                case when value_count = 1 then ' value ' else ' values ' end,
                case
                    kind
                    when 'revised'
                    then
                        concat(
                            'revised by at most 5%, such as ',
                            example.figure,
                            ', from ',
                            example.old_text,
                            ' to ',
                            example.new_text
                        )
                    when 'suppressed_now'
                    then concat('now withheld by the publisher, such as ', example.figure)
                    when 'no_longer_suppressed'
                    then concat('no longer withheld by the publisher, such as ', example.figure)
                    when 'value_gone'
                    then concat('now empty, such as ', example.figure)
                    when 'value_found'
                    then concat('now given that was empty, such as ', example.figure)
                    else concat('with other limits, counts or marks, such as ', example.figure)
                end,
                '. Why: ',
                {{ cause_words }},
                '.'
            ) as sentence
        from other_revisions
        union all by name
        select
            case a.revision_kind when 'new_period' then 7 when 'late_addition' then 8 else 9 end as section_order,
            case
                a.revision_kind
                when 'new_period'
                then 'new_period'
                when 'late_addition'
                then 'late_addition'
                else 'indicator_added'
            end as section,
            a.source_id,
            a.indicator_id,
            a.value_count,
            case when a.revision_kind = 'new_period' then l.period_label end as old_text,
            a.newest_period as new_text,
            a.cause,
            concat(
                a.indicator_name,
                ': ',
                format('{:,d}', a.value_count),
                case
                    a.revision_kind
                    when 'new_period'
                    then
                        concat(
                            case when a.value_count = 1 then ' new value up to ' else ' new values up to ' end,
                            a.newest_period,
                            '; before up to ',
                            l.period_label,
                            '.'
                        )
                    when 'late_addition'
                    then
                        concat(
                            case when a.value_count = 1 then ' value' else ' values' end,
                            ' added for periods that were published before, the newest ',
                            a.newest_period,
                            '.'
                        )
                    else
                        concat(
                            case when a.value_count = 1 then ' value' else ' values' end,
                            ' of a new indicator, ',
                            a.areas,
                            case when a.areas = 1 then ' area, ' else ' areas, ' end,
                            case
                                when a.oldest_period = a.newest_period
                                then a.newest_period
                                else concat(a.oldest_period, ' to ', a.newest_period)
                            end,
                            '.'
                        )
                end
            ) as sentence
        from arrivals as a
        left join latest as l on a.indicator_id = l.indicator_id
        union all by name
        select
            case when n.indicator_id is null then 10 else 11 end as section_order,
            case when n.indicator_id is null then 'indicator_removed' else 'values_removed' end as section,
            d.source_id,
            d.indicator_id,
            d.value_count,
            d.newest_period as old_text,
            d.cause,
            concat(
                d.indicator_name,
                ': ',
                format('{:,d}', d.value_count),
                case when d.value_count = 1 then ' value of ' else ' values of ' end,
                d.areas,
                case when d.areas = 1 then ' area' else ' areas' end,
                ' removed, ',
                case
                    when d.oldest_period = d.newest_period
                    then d.newest_period
                    else concat(d.oldest_period, ' to ', d.newest_period)
                end,
                case when n.indicator_id is null then '; nothing of the indicator is left' else '' end,
                '. Why: ',
                {{ cause_words }},
                '.'
            ) as sentence
        from departures as d
        left join indicators_now as n on d.indicator_id = n.indicator_id
        union all by name
        select
            12 as section_order,
            'area_lost' as section,
            a.source_id,
            a.area_code,
            a.value_count,
            a.cause,
            concat(
                a.area_name,
                ' (',
                a.area_code,
                '): ',
                coalesce(s.source_title, a.source_id),
                ' no longer has any value of it; there ',
                case when a.value_count = 1 then 'was 1' else concat('were ', format('{:,d}', a.value_count)) end,
                '.'
            ) as sentence
        from areas_lost as a
        left join {{ ref("dim_source") }} as s on a.source_id = s.source_id
        union all by name
        select
            case cause when 'added' then 13 else 14 end as section_order,
            case cause when 'added' then 'commitment_added' else 'commitment_withdrawn' end as section,
            commitment_id,
            cast(null as bigint) as value_count,
            cause,
            concat(
                title,
                ' (',
                places,
                case when places = 1 then ' place' else ' places' end,
                case cause when 'added' then ', now ' else ', last ' end,
                status_label,
                ').'
            ) as sentence
        from commitments
        union all by name
        select
            15 as section_order,
            'source_blocked' as section,
            l.source_id,
            'refused' as cause,
            concat(
                coalesce(s.source_title, l.source_id),
                ': the latest load was refused',
                case
                    when l.served_rows > 0 then ', and its earlier figures stay' else ', and nothing of it is shown'
                end,
                '. ',
                l.load_reason
            ) as sentence
        from {{ ref("source_load") }} as l
        cross join before as r
        left join loads_before as b on l.source_id = b.source_id
        left join {{ ref("dim_source") }} as s on l.source_id = s.source_id
        -- A refusal is news once: a load that was gated before has been told of.
        where l.load_state = 'refused' and coalesce(b.is_stale, 0) = 0 and l.checked_at > r.built_at
        union all by name
        select
            16 as section_order,
            'source_stale' as section,
            s.source_id,
            cast(b.released_on as varchar) as old_text,
            cast(n.released_on as varchar) as new_text,
            'time_passed' as cause,
            concat(
                s.source_title,
                ': nothing newer than the release of ',
                strftime(n.released_on, '%-d %B %Y'),
                ' has come for ',
                date_diff('day', n.released_on, {{ as_at() }}),
                ' days; after ',
                s.stale_after_days,
                ' its figures count as out of date.'
            ) as sentence
        from {{ ref("dim_source") }} as s
        inner join loads_now as n on s.source_id = n.source_id
        inner join loads_before as b on s.source_id = b.source_id
        cross join before as r
        where
            date_diff('day', n.released_on, {{ as_at() }}) > s.stale_after_days
            and date_diff('day', b.released_on, r.as_at) <= s.stale_after_days
    ),

    told as (
        select i.*, r.release_id as previous_release_id
        from items as i
        cross join before as r
        union all by name
        select
            1 as section_order,
            'first_release' as section,
            count(*) as value_count,
            'first_release' as cause,
            concat(
                'The first release: ', format('{:,d}', count(*)), ' values. There is none before to compare it with.'
            ) as sentence
        from {{ ref("fct_indicator_value") }}
        having not exists (select 1 from before)
        union all by name
        select
            1 as section_order,
            'nothing_changed' as section,
            0 as value_count,
            'nothing_changed' as cause,
            'No figure, status, commitment or source differs from the release before.' as sentence,
            release_id as previous_release_id
        from before
        where not exists (select 1 from items)
    )

select
    {{
        surrogate_key(
            [
                "t.section",
                "t.source_id",
                "t.indicator_id",
                "t.commitment_id",
                "t.area_code",
                "t.cause",
                "t.sentence",
                built_at(),
            ]
        )
    }} as release_note_key,
    cast(
        row_number() over (
            order by
                t.section_order,
                t.value_count desc nulls last,
                t.source_id,
                t.indicator_id,
                t.commitment_id,
                t.area_code,
                t.cause,
                t.sentence
        ) as integer
    ) as note_number,
    t.section,
    case when t.source_id is null then -2 else coalesce(s.source_key, -1) end as source_key,
    case when t.indicator_id is null then -2 else coalesce(i.indicator_key, -1) end as indicator_key,
    case when t.commitment_id is null then -2 else coalesce(c.commitment_key, -1) end as commitment_key,
    t.source_id,
    t.indicator_id,
    t.commitment_id,
    t.area_code,
    cast(t.value_count as bigint) as value_count,
    cast(t.old_text as varchar) as old_text,
    cast(t.new_text as varchar) as new_text,
    t.cause,
    t.sentence,
    cast(t.change_id as varchar) as change_id,
    cast(t.previous_release_id as varchar) as previous_release_id
from told as t
left join {{ ref("dim_source") }} as s on t.source_id = s.source_id
left join {{ ref("dim_indicator") }} as i on t.indicator_id = i.indicator_id
left join {{ ref("dim_commitment") }} as c on t.commitment_id = c.commitment_id and c.is_current = 1
order by note_number
