-- Names every row that repeats another, and keeps all rows: a mart takes those with duplicate_reason null.
-- Rows of one key whose values differ never get here: the gate quarantines them.
with
    keyed as (
        select
            v.*,
            coalesce(a.area_type, 'unknown') as area_type,
            date_diff('month', v.period_start, v.period_end + interval 1 day) as period_months,
            {{
                surrogate_key(
                    [
                        "v.indicator_id",
                        "v.area_code",
                        "v.sex",
                        "v.age",
                        "v.category_type",
                        "v.category",
                        "v.period_type",
                        "v.period_start",
                        "v.period_end",
                    ]
                )
            }} as value_key
        from {{ ref("int_indicator_values__unioned") }} as v
        left join {{ ref("areas") }} as a on v.area_code = a.area_code
    ),

    ranked as (
        select
            *,
            row_number() over same_key as copy_number,
            first_value(source_release) over same_key as kept_release,
            first_value(source_file) over same_key as kept_file,
            -- One age band under two labels: a row whose age is `Not applicable` beside one that names the band.
            count(*) filter (where age <> 'Not applicable') over (
                partition by
                    source_release,
                    indicator_id,
                    area_code,
                    sex,
                    category_type,
                    category,
                    period_start,
                    period_end,
                    value,
                    count,
                    denominator
            ) as copies_with_age_band
        from keyed
        window
            same_key as (
                partition by value_key
                order by source_release desc, (parent_code is not null), source_file, source_row_number, source_column
            )
    )

select
    * exclude (copy_number, kept_release, kept_file, copies_with_age_band),
    case
        when copy_number > 1 and source_release <> kept_release
        then 'superseded_by_later_release'
        when copy_number > 1 and source_file <> kept_file
        then 'repeated_across_files'
        when copy_number > 1
        then 'repeated_per_parent'
        when age = 'Not applicable' and copies_with_age_band > 0
        then 'age_band_repeated'
    end as duplicate_reason
from ranked
