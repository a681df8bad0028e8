-- Every commitment, place and group, each with a status and one plain sentence with the numbers in it: the rows that
-- have data, and one row for each scope that has none.
with
    judged as (
        select
            j.*,
            x.answering_period_end,
            x.answer_expected_on,
            f.forecast_value,
            f.forecast_lower_80,
            f.forecast_upper_80,
            f.forecast_probability,
            f.forecast_method,
            f.forecast_points,
            f.no_forecast_reason
        from {{ ref("int_commitment_values__judged") }} as j
        left join
            {{ ref("int_commitment_answers__expected") }} as x
            on j.is_scorecard_period = 1
            and {{ same_scope("j", "x") }}
        left join
            {{ ref("int_commitment_forecasts__made") }} as f on j.is_scorecard_period = 1 and {{ same_scope("j", "f") }}
    ),

    without_data as (
        select
            s.*,
            case
                when s.target_family = 'milestone'
                then m.state
                when s.target_type = 'none'
                then 'no_target'
                else 'not_assessable'
            end as status_code,
            case
                when s.target_family = 'milestone' or s.target_type = 'none'
                then null
                when s.indicator_id is null
                then coalesce(s.data_gap_reason, 'no_indicator')
                when s.target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
                then 'no_target_value'
                else 'no_value_for_area'
            end as not_assessable_reason,
            m.recorded_on as milestone_recorded_on,
            m.recorded_state as milestone_recorded_state,
            m.instance as milestone_instance,
            m.instances_due,
            m.instances_done
        from {{ ref("int_commitments__scoped") }} as s
        left join {{ ref("int_milestones__summarised") }} as m on s.commitment_id = m.commitment_id
        where
            s.place_role = 'signed'
            and not exists (
                select 1
                from judged as j
                where
                    j.commitment_id = s.commitment_id
                    and j.area_code = s.area_code
                    and j.indicator_id is not distinct from s.indicator_id
                    and j.sex is not distinct from s.sex
                    and j.age is not distinct from s.age
                    and j.category_type is not distinct from s.category_type
                    and j.category is not distinct from s.category
            )
    ),

    together as (
        select
            *,
            null::date as milestone_recorded_on,
            null::varchar as milestone_recorded_state,
            null::varchar as milestone_instance,
            null::bigint as instances_due,
            null::bigint as instances_done
        from judged
        union all by name
        select *, 1::smallint as is_scorecard_period
        from without_data
    ),

    worded as (
        select
            t.*,
            a.area_name,
            r.sentence as reason_sentence,
            {{ with_unit("t.value", "t.unit", "t.decimals") }} as actual_text,
            {{ with_unit("t.target_value_used", "t.unit", "t.decimals") }} as target_text,
            {{ with_unit("t.baseline_value_used", "t.unit", "t.decimals") }} as baseline_text,
            {{ with_unit("t.comparator_value", "t.unit", "t.decimals") }} as comparator_text,
            concat_ws(
                ', ',
                nullif(nullif(t.sex, 'Persons'), 'Not applicable'),
                nullif(nullif(t.age, 'All ages'), 'Not applicable'),
                nullif(t.category, 'Total')
            ) as group_text,
            strftime(t.due_date, '%-d %B %Y') as due_text,
            case
                when t.versus_indicator_id is not null
                then concat('The gap between ', v.name, ' and ', t.indicator_name)
                when t.dimension is not null
                then
                    concat(
                        case
                            t.gap_measure
                            when 'relative_gap'
                            then 'The relative gap'
                            when 'slope_index'
                            then 'The slope index of inequality'
                            when 'relative_index'
                            then 'The relative index of inequality'
                            else 'The gap'
                        end,
                        ' across ',
                        coalesce(t.gap_dimension, t.dimension),
                        ' in ',
                        t.indicator_name
                    )
                else t.indicator_name
            end as measure_name
        from together as t
        left join {{ source("registry", "indicators") }} as v on t.versus_indicator_id = v.id
        left join {{ ref("areas") }} as a on t.area_code = a.area_code
        left join {{ ref("not_assessable_reasons") }} as r on t.not_assessable_reason = r.reason_code
    )

select
    *,
    concat_ws(
        ' ',
        case
            when value is not null
            then
                concat(
                    measure_name,
                    case when group_text <> '' then concat(' (', group_text, ')') end,
                    ' in ',
                    area_name,
                    ' was ',
                    actual_text,
                    ' in ',
                    period_label,
                    case
                        when lower_ci_95 is not null and upper_ci_95 is not null
                        then
                            concat(
                                ' (95% limits ',
                                {{ rounded("lower_ci_95", "decimals") }},
                                ' to ',
                                {{ rounded("upper_ci_95", "decimals") }},
                                ')'
                            )
                    end,
                    '.'
                )
        end,
        case
            when not_assessable_reason is not null or target_family in ('none', 'milestone')
            then null
            when target_family in ('direction', 'sequence')
            then
                concat(
                    'The commitment is to ',
                    case when sign > 0 then 'raise' else 'lower' end,
                    case when target_family = 'sequence' then ' it every year from ' else ' it from ' end,
                    baseline_text,
                    ' in ',
                    baseline_label_used,
                    case when due_text is not null then concat(' by ', due_text) end,
                    '.'
                )
            when target_family = 'comparator'
            then
                concat(
                    'The commitment is to ',
                    case
                        when target_type = 'statistically_better_than_comparator'
                        then 'be better than England beyond chance'
                        when
                            target_type = 'statistically_similar_or_better_than_comparator'
                            or comparator_rule = 'not_significantly_worse'
                        then 'be no worse than England beyond chance'
                        else 'match England'
                    end,
                    case when comparator_text is not null then concat(' (', comparator_text, ')') end,
                    case when due_text is not null then concat(' by ', due_text) end,
                    '.'
                )
            else
                concat(
                    'The target is ',
                    case
                        operator_used
                        when '>='
                        then concat(target_text, ' or more')
                        when '<='
                        then concat(target_text, ' or less')
                        when '>'
                        then concat('more than ', target_text)
                        when '<'
                        then concat('less than ', target_text)
                    end,
                    case when due_text is not null then concat(' by ', due_text) end,
                    case
                        when baseline_text is not null
                        then concat('; it was ', baseline_text, ' in ', baseline_label_used)
                    end,
                    '.'
                )
        end,
        case
            when not_assessable_reason is null and baseline_refused_reason = 'series_break'
            then 'The series was redefined after the baseline, so no change or pace is given.'
            when not_assessable_reason is null and baseline_refused_reason = 'baseline_vintage_mismatch'
            then 'The figures were revised after the baseline was published, so no change or pace is given.'
        end,
        case
            when not_assessable_reason is null and change_method = 'overlaps_baseline'
            then 'The period shares years with the baseline, so no change or pace is given.'
        end,
        case
            when indicator_confidence = 'low' and value is not null
            then 'This is a stand-in for the measure that was promised.'
        end,
        case
            when target_family = 'milestone'
            then
                concat(
                    case
                        when recurrence is not null
                        then concat('Promised ', {{ recurrence_words("recurrence") }})
                        when due_text is null
                        then 'An action without a due date'
                        else concat('An action due by ', due_text)
                    end,
                    case
                        when instances_due > 0
                        then
                            concat(
                                ': ',
                                instances_done,
                                ' of ',
                                instances_due,
                                ' due so far ',
                                case when instances_done = 1 then 'is' else 'are' end,
                                ' recorded as done'
                            )
                    end,
                    case
                        when status_code = 'unknown' and milestone_instance is not null
                        then concat('; for ', milestone_instance, ' no progress has been recorded.')
                        when status_code = 'unknown'
                        then '; no progress has been recorded.'
                        when status_code = 'permissive'
                        then '; the wording permits it rather than promises it.'
                        when milestone_recorded_on is not null
                        then
                            concat(
                                '; recorded as ',
                                replace(milestone_recorded_state, '_', ' '),
                                case when milestone_instance is not null then concat(' for ', milestone_instance) end,
                                ' on ',
                                strftime(milestone_recorded_on, '%-d %B %Y'),
                                '.'
                            )
                        else '.'
                    end
                )
            when target_type = 'none'
            then 'The document names this measure without a target.'
            when not_assessable_reason is not null
            then concat('Not assessable: ', reason_sentence)
            else
                concat(
                    case
                        when deadline_state = 'due_awaiting_data'
                        then 'The deadline has passed, but no value of a period that reaches it has been published. '
                    end,
                    case
                        when status_rule_order between 50 and 52
                        then concat('It is moving at ', {{ rounded("pace_ratio", "2") }}, ' times the pace required.')
                        else status_rule_why
                    end,
                    case
                        when forecast_value is not null and deadline_state in ('before_due', 'due_awaiting_data')
                        then
                            concat(
                                ' If the pattern so far holds, ',
                                case when target_family = 'comparator' then 'the gap to England' else 'it' end,
                                ' will be about ',
                                {{
                                    with_unit(
                                        "forecast_value",
                                        "case when target_family = 'comparator' and unit = '%' then 'percentage points' else unit end",
                                        "decimals",
                                    )
                                }},
                                ' when the deadline is answered (80% interval ',
                                {{ rounded("forecast_lower_80", "decimals") }},
                                ' to ',
                                {{ rounded("forecast_upper_80", "decimals") }},
                                ')',
                                case
                                    when forecast_probability is not null
                                    then concat(': ', {{ chance_words("forecast_probability") }})
                                end,
                                '.'
                            )
                    end,
                    case
                        when is_footprint_value = 1
                        then ' The figure is added up here from the parts of the area; none is published for it.'
                    end
                )
        end
    ) as explanation
from worded
