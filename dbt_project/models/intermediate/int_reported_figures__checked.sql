-- Every figure that the documents report, beside what arithmetic on the document's own numbers makes of it. No
-- verdict is
-- typed: the register holds what is printed, what it is said to be a share or a part of, and what a person found.
with
    figures as (
        select
            f.*,
            d.document_file,
            -- What is only about known, or a bound, cannot be tested for whole counts.
            case when f.unit = '%' and f.value_bound is null and f.base_bound is null then f.base end as exact_base,
            case when f.unit = '%' then f.base end as share_base
        from {{ ref("reported_figures") }} as f
        left join {{ ref("frameworks") }} as d on f.framework_id = d.framework_id
    ),

    parts as (
        select
            p.figure_id,
            p.whole_id,
            p.part_set,
            w.value as whole,
            w.unit as whole_unit,
            case when p.unit = w.unit then p.value when p.unit = '%' then p.count end as quantity,
            case when p.unit = '%' then p.value end as percentage,
            case when p.unit = '%' then {{ printed_half_unit("p.decimals") }} else 0.0 end as half_unit
        from figures as p
        inner join figures as w on p.whole_id = w.figure_id
    ),

    summed as (
        select
            whole_id,
            part_set,
            count(*) as parts,
            any_value(whole) as whole,
            any_value(whole_unit) as whole_unit,
            case when count(quantity) = count(*) then sum(quantity order by figure_id) end as total,
            -- Shares of a whole that is itself no share make 100 %.
            case
                when count(percentage) = count(*) and any_value(whole_unit) <> '%'
                then sum(percentage order by figure_id)
            end as percentages,
            sum(half_unit order by figure_id) as half_units,
            list_sort(list(length(cast(cast(quantity as bigint) as varchar)))) as digits
        from parts
        group by whole_id, part_set
    ),

    part_sets as (
        select
            *,
            case
                when
                    {{ parts_of_whole("total", "whole", "case when whole_unit = '%' then half_units else 0 end") }}
                    = 'differs'
                    or {{ parts_of_whole("percentages", "100.0", "half_units") }} = 'differs'
                then 'differs'
                when total is not null or percentages is not null
                then 'agrees'
            end as parts_check,
            -- One part alone with fewer digits than every other: a digit may have been lost.
            case when digits[1] < digits[2] then digits[1] end as digits_of_outlier,
            concat_ws(
                ', ',
                case
                    when total = whole
                    then format('{} {} add up to {:,}', parts, part_set, cast(whole as bigint))
                    when total is not null
                    then
                        format(
                            '{} {} add up to {:,} of {:,}, {:,} {}',
                            parts,
                            part_set,
                            cast(total as bigint),
                            cast(whole as bigint),
                            cast(abs(whole - total) as bigint),
                            case when total < whole then 'missing' else 'too many' end
                        )
                end,
                case
                    when percentages is not null
                    then
                        concat(
                            'the percentages to ',
                            {{ with_unit("percentages", "'%'", "1") }},
                            case
                                {{ parts_of_whole("percentages", "100.0", "half_units") }}
                                when 'differs'
                                then ', beyond rounding'
                                else ', within rounding'
                            end
                        )
                end
            ) as words
        from summed
    ),

    wholes as (
        select
            whole_id as figure_id,
            -- A set that fits vouches for the whole; one that does not is a matter of its parts.
            case
                when bool_or(parts_check = 'agrees') then 'agrees' when bool_or(parts_check = 'differs') then 'differs'
            end as parts_check,
            string_agg(words, '; ' order by part_set) as words
        from part_sets
        group by whole_id
    ),

    checked as (
        select
            f.*,
            {{ value_out_of_range("f.value", "f.unit", "f.base") }} as range_check,
            {{ share_attainable("f.value", "f.decimals", "f.exact_base") }} as attainable_check,
            {{ share_of_count("f.value", "f.decimals", "f.count", "f.share_base", "f.base_bound") }} as count_check,
            coalesce(s.parts_check, w.parts_check) as parts_check,
            {{ number_listed("f.value", "f.value_bound", "f.listed_count") }} as listed_check,
            {{ people_meant("f.value", "f.decimals", "f.unit", "f.count", "f.base", "f.base_unit") }} as people_meant,
            concat_ws(
                '; ',
                s.words || case
                    when
                        s.parts_check = 'differs'
                        and length(cast(cast(coalesce(f.count, f.value) as bigint) as varchar)) = s.digits_of_outlier
                    then ', and this one alone has fewer digits'
                    else ''
                end,
                w.words
            ) as parts_words
        from figures as f
        left join part_sets as s on f.whole_id = s.whole_id and f.part_set = s.part_set
        left join wholes as w on f.figure_id = w.figure_id
    ),

    judged as (
        select
            *,
            {{ is_disclosive("people_meant", "unit", "base", "base_unit") }} as is_disclosive,
            coalesce(
                range_check = 'differs'
                or attainable_check = 'unattainable'
                or count_check = 'differs'
                or parts_check = 'differs'
                or listed_check = 'differs',
                false
            ) as any_differs,
            coalesce(
                attainable_check in ('rounded', 'truncated')
                or count_check = 'agrees'
                or parts_check = 'agrees'
                or listed_check = 'agrees',
                false
            ) as any_agrees,
            concat_ws(
                '; ',
                case when range_check = 'differs' then 'not a possible value of its unit' end,
                {{ share_of_count_in_words("value", "decimals", "count", "share_base", "base_bound") }},
                case when count is null then {{ attainable_in_words("value", "decimals", "exact_base") }} end,
                -- The other base: the same count on it, or a count that fits there and not here.
                case
                    when count is not null
                    then {{ count_in_words("count", "decimals", "other_base") }}
                    when attainable_check = 'rounded'
                    then
                        {{
                            count_in_words(
                                greatest_count("value", "decimals", "exact_base"), "decimals", "other_base"
                            )
                        }}
                    when
                        attainable_check = 'unattainable'
                        and {{ share_attainable("value", "decimals", "other_base") }} = 'rounded'
                    then
                        {{
                            count_in_words(
                                greatest_count("value", "decimals", "other_base"), "decimals", "other_base"
                            )
                        }}
                end
                || format(' of {:,} ({})', cast(other_base as bigint), other_base_label),
                nullif(parts_words, ''),
                case
                    when listed_check is not null
                    then format('{:,} stated, {:,} listed', cast(value as bigint), listed_count)
                end
            ) as arithmetic
        from checked
    )

select
    figure_id,
    framework_id,
    document_file,
    title,
    area_code,
    value,
    value_bound,
    unit,
    decimals,
    count,
    base,
    base_bound,
    base_unit,
    base_label,
    other_base,
    other_base_label,
    listed_count,
    period_label,
    whole_id,
    part_set,
    direction_claimed,
    document_line,
    finding,
    finding_severity,
    finding_evidence,
    note,
    range_check,
    attainable_check,
    count_check,
    parts_check,
    listed_check,
    people_meant,
    is_disclosive,
    {{ figure_verdict("value", "any_differs", "is_disclosive = 1", "finding is not null", "any_agrees") }} as verdict,
    case
        when is_disclosive = 1
        then
            concat(
                'Withheld: ',
                case
                    when unit = '%' and base < {{ var("disclosure_minimum") }}
                    then 'a share of fewer than {{ var("disclosure_minimum") }} people'
                    else 'fewer than 5 people'
                end,
                case when any_differs then '; the arithmetic does not fit either' else '' end
            )
        when arithmetic <> ''
        then arithmetic
        when value is null
        then 'the document gives no number'
        when finding is not null
        then 'nothing to compute; the finding says what is wrong'
        when unit = '%' and base is not null
        then 'the base decides nothing: it is large, or only about known, or everybody or nobody is meant'
        else 'no count, whole or list to check against'
    end as verdict_detail
from judged
