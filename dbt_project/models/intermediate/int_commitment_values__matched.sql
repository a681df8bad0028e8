-- Every period of the series that measures a commitment at a place, with its baseline, comparator and target.
-- One row per commitment, place, group and period from the baseline on.
--
-- The baseline, in this order: the named period in today's extract (one vintage for both ends); otherwise, where the
-- document names none,
-- the last period that ended before the strategy began (an analyst's choice, marked as such). A baseline is refused,
-- with the reason, where it cannot be compared with the row: a documented break in the series lies between them, or
-- they come from two releases that disagree about a period which both of them publish.
-- A target that differs from year to year is that of the period's own year.
with
    with_baseline as (
        select
            *,
            {% set reference %}
                case
                    when value is null then null
                    when baseline_period_label is not null and period_label = baseline_period_label then period_end
                    when baseline_period_label is null and period_end <= framework_start then period_end
                end
            {% endset %}
            max({{ reference }}) over scope as baseline_end,
            arg_max(period_start, {{ reference }}) over scope as baseline_start,
            arg_max(period_label, {{ reference }}) over scope as baseline_label_used,
            arg_max(value_key, {{ reference }}) over scope as baseline_value_key,
            arg_max(inequality_key, {{ reference }}) over scope as baseline_inequality_key,
            arg_max(source_release, {{ reference }}) over scope as baseline_source_release,
            arg_max(series_number, {{ reference }}) over scope as baseline_series_number,
            arg_max(value, {{ reference }}) over scope as baseline_value_used,
            arg_max(lower_ci_95, {{ reference }}) over scope as baseline_lower_ci_95,
            arg_max(upper_ci_95, {{ reference }}) over scope as baseline_upper_ci_95,
            arg_max(comparator_value, {{ reference }}) over scope as baseline_comparator_value
        from {{ ref("int_commitment_values__joined") }}
        window scope as (partition by commitment_id, area_code, indicator_id, sex, age, category_type, category)
    ),

    -- Pairs of releases that disagree about the same value of one series by more than 0.5 %.
    revised as (
        select distinct
            o.indicator_id,
            o.area_code,
            o.area_type,
            o.sex,
            o.age,
            o.category_type,
            o.category,
            o.source_release as older_release,
            k.source_release as newer_release
        from {{ ref("int_indicator_values__deduplicated") }} as o
        inner join
            {{ ref("int_indicator_values__deduplicated") }} as k
            on o.value_key = k.value_key
            and k.duplicate_reason is null
        where o.duplicate_reason = 'superseded_by_later_release' and abs(o.value - k.value) > 0.005 * abs(k.value)
    ),

    judged_baseline as (
        select
            b.*,
            case
                when b.series_number <> b.baseline_series_number
                then 'series_break'
                when r.indicator_id is not null
                then 'baseline_vintage_mismatch'
            end as baseline_refused_reason
        from with_baseline as b
        left join
            revised as r
            on b.indicator_id = r.indicator_id
            and b.area_code = r.area_code
            and b.area_type = r.area_type
            and b.sex = r.sex
            and b.age = r.age
            and b.category_type = r.category_type
            and b.category = r.category
            and r.older_release = least(b.source_release, b.baseline_source_release)
            and r.newer_release = greatest(b.source_release, b.baseline_source_release)
        where b.baseline_end is null or b.period_end >= b.baseline_end
    ),

    with_fit_baseline as (
        select
            * exclude (baseline_series_number) replace (
                {% for column in [
                    "baseline_end",
                    "baseline_start",
                    "baseline_label_used",
                    "baseline_value_key",
                    "baseline_inequality_key",
                    "baseline_source_release",
                    "baseline_value_used",
                    "baseline_lower_ci_95",
                    "baseline_upper_ci_95",
                    "baseline_comparator_value",
                ] %}
                    case when baseline_refused_reason is null then {{ column }} end as {{ column }}
                    {% if not loop.last %},{% endif %}
                {% endfor %}
            )
        from judged_baseline
    ),

    with_tables as (
        select b.*, y.yearly_target
        from with_fit_baseline as b
        left join
            {{ ref("int_targets__yearly") }} as y
            on b.commitment_id = y.commitment_id
            and b.area_code = y.area_code
            and b.period_label = y.period_label
    )

select
    *,
    case
        when baseline_end is null
        then 'none'
        when baseline_period_label is not null
        then 'named_period'
        else 'position_when_signed'
    end as baseline_basis,
    case
        when target_type = 'absolute_level'
        then target_value
        when
            target_type in ('percent_change_from_baseline', 'max_rise_from_baseline')
            and coalesce(change_basis, 'relative') = 'relative'
        then baseline_value_used * (1 + target_value / 100.0)
        when target_type in ('absolute_change_from_baseline', 'percent_change_from_baseline', 'max_rise_from_baseline')
        then baseline_value_used + target_value
        when target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
        then yearly_target
        when target_family = 'comparator'
        then comparator_value
        when target_family in ('direction', 'sequence')
        then baseline_value_used
    end as target_value_used,
    case
        when target_family in ('direction', 'sequence')
        then case when sign > 0 then '>' else '<' end
        else coalesce(operator, case when sign > 0 then '>=' else '<=' end)
    end as operator_used,
    case
        when due_date is null
        then 'no_due_date'
        when period_end >= due_date
        then 'answered'
        when due_date < {{ as_at() }}
        then 'due_awaiting_data'
        else 'before_due'
    end as deadline_state
from with_tables
