-- Names every row that repeats another, and keeps all rows: a mart takes those with duplicate_reason null.
-- Rows of one key whose values differ never get here, except where an older code and its successor both occur: the gate
-- quarantines the others.
with
    keyed as (
        select
            *,
            date_diff('month', period_start, period_end + interval 1 day) as period_months,
            {{
                surrogate_key(
                    [
                        "indicator_id",
                        "area_code",
                        "area_type",
                        "sex",
                        "age",
                        "category_type",
                        "category",
                        "period_type",
                        "period_start",
                        "period_end",
                    ]
                )
            }} as value_key,
            regexp_replace(area_code_published, '^n(E54|E38)', '\1') <> area_code as is_recoded
        from {{ ref("int_indicator_values__typed") }}
    ),

    ranked as (
        select
            *,
            row_number() over same_key as copy_number,
            first_value(source_release) over same_key as kept_release,
            first_value(source_file) over same_key as kept_file,
            first_value(is_recoded) over same_key as kept_is_recoded,
            first_value(parent_code) over same_key as kept_parent_code,
            first_value(value) over same_key as kept_value,
            first_value(value_as_published) over same_key as kept_as_published,
            -- One age band under two labels: a row whose age is `Not applicable` beside one that names the band.
            count(*) filter (where age <> 'Not applicable') over (
                partition by
                    source_release,
                    indicator_id,
                    area_code,
                    area_type,
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
                order by
                    source_release desc,
                    is_recoded,
                    (parent_code is not null),
                    source_file,
                    source_row_number,
                    source_column
            )
    )

select
    * exclude (
        copy_number,
        kept_release,
        kept_file,
        kept_is_recoded,
        kept_parent_code,
        kept_value,
        kept_as_published,
        copies_with_age_band,
        is_recoded
    ),
    case
        when copy_number > 1 and source_release <> kept_release
        then 'superseded_by_later_release'
        when
            copy_number > 1
            and is_recoded
            and not kept_is_recoded
            and (
                value is not distinct from kept_value
                -- One of the two may be printed with fewer decimals.
                or abs(value - kept_value)
                <= greatest({{ half_unit("value_as_published") }}, {{ half_unit("kept_as_published") }})
            )
        then 'recoded_area_repeated'
        when copy_number > 1 and is_recoded and not kept_is_recoded
        then 'superseded_by_successor_code'
        when copy_number > 1 and source_file <> kept_file
        then 'repeated_across_files'
        when copy_number > 1 and parent_code is distinct from kept_parent_code
        then 'repeated_per_parent'
        when copy_number > 1
        then 'repeated_in_file'
        when age = 'Not applicable' and copies_with_age_band > 0
        then 'age_band_repeated'
    end as duplicate_reason
from ranked
