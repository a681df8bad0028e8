{#- WHAT IS KEPT OF A RELEASE for comparison with the next one, as SELECT statements over published tables.
    The macros of this folder take names of relations and use nothing of dbt, so that the model, the archive and the command
    `outcomes diff` share them (pipelines/publish/release_sql.py renders them over a finished file).
    Columns: pipelines/publish/snapshot_schemas.py. -#}
{#- Every published value with its natural key. `loads` is source_load or the check log of the run under way. -#}
{% macro snapshot_of_values(facts, indicators, areas, periods, groups, loads) %}
    select
        i.source_id,
        v.indicator_id,
        i.indicator_name,
        i.unit,
        cast(i.decimal_places as integer) as decimal_places,
        v.area_code,
        a.area_type,
        a.area_name,
        p.period_type,
        p.period_sort,
        p.period_label,
        p.period_start,
        p.period_end,
        g.sex,
        g.age,
        g.category_type,
        g.category,
        v.value,
        v.lower_ci_95,
        v.upper_ci_95,
        v.count,
        v.denominator,
        v.value_status_code,
        v.correction_id,
        v.is_stale,
        v.source_release,
        v.source_file,
        v.source_file_sha256,
        l.served_load_id as load_id
    from {{ facts }} as v
    inner join {{ indicators }} as i on v.indicator_key = i.indicator_key
    inner join {{ areas }} as a on v.area_key = a.area_key
    inner join {{ periods }} as p on v.period_key = p.period_key
    inner join {{ groups }} as g on v.population_group_key = g.population_group_key
    left join {{ loads }} as l on i.source_id = l.source_id
{% endmacro %}

{#- Every line of the scorecard with all that decided its status: the figures, the records of an output, the state of its
    deadline on the day `as_at`, and what the register says, as JSON. -#}
{% macro snapshot_of_statuses(
    scorecard, facts, commitments, measures, milestones, indicators, groups, status_codes, as_at
) %}
    select
        s.commitment_id,
        c.valid_from,
        s.title,
        s.area_code,
        s.area_name,
        s.place_role,
        i.source_id,
        s.indicator_id,
        s.population_group,
        s.status_code,
        s.status_label,
        cast(d.is_judgement as smallint) as is_judged,
        cast(t.status_rule_order as integer) as status_rule_order,
        t.status_rule_why,
        s.not_assessable_reason,
        s.period_label,
        s.period_end,
        s.actual_value,
        s.actual_lower_ci_95,
        s.actual_upper_ci_95,
        s.baseline_period_label,
        s.baseline_value,
        s.comparator_value,
        s.target_operator,
        s.target_value,
        coalesce(s.deadline_state, m.instances_due) as deadline_state,
        s.due_date,
        m.records,
        cast(
            to_json(
                {
                    'valid_from':c.valid_from,
                    'target_type':c.target_type,
                    'operator':c.operator,
                    'target_value':c.target_value,
                    'change_basis':c.change_basis,
                    'comparator_area_code':c.comparator_area_code,
                    'comparator_rule':c.comparator_rule,
                    'comparator_neighbour_set':c.comparator_neighbour_set,
                    'level_rule':c.level_rule,
                    'sequence_rule':c.sequence_rule,
                    'gap_measure':c.gap_measure,
                    'desired_direction':c.desired_direction,
                    'due_date':c.due_date,
                    'earliest_date':c.earliest_date,
                    'recurrence':c.recurrence,
                    'baseline_period_label':c.baseline_period_label,
                    'baseline_value':c.baseline_value_stated,
                    'data_gap_reason':c.data_gap_reason,
                    'is_permissive':c.is_permissive,
                    'same_as_commitment_id':c.same_as_commitment_id,
                    'measures':b.measures
                }
            ) as varchar
        ) as register
    from {{ scorecard }} as s
    inner join {{ commitments }} as c on s.commitment_key = c.commitment_key
    inner join {{ status_codes }} as d on s.status_key = d.status_key
    inner join
        {{ facts }} as t
        on s.commitment_key = t.commitment_key
        and s.area_key = t.area_key
        and s.indicator_key = t.indicator_key
        and s.population_group_key = t.population_group_key
        and s.period_key = t.period_key
    inner join {{ indicators }} as i on s.indicator_key = i.indicator_key
    left join
        (
            select
                b.commitment_key,
                string_agg(
                    concat_ws(
                        ' | ', i.indicator_id, g.population_group, v.indicator_id, b.gap_category_type, b.confidence
                    ),
                    '; '
                    order by i.indicator_id, g.population_group, v.indicator_id, b.gap_category_type, b.confidence
                ) as measures
            from {{ measures }} as b
            left join {{ indicators }} as i on b.indicator_key = i.indicator_key
            left join {{ indicators }} as v on b.versus_indicator_key = v.indicator_key
            left join {{ groups }} as g on b.population_group_key = g.population_group_key
            group by b.commitment_key
        ) as b
        on s.commitment_key = b.commitment_key
    left join
        (
            select
                commitment_key,
                concat(count(*) filter (where due_date < {{ as_at }}), ' due') as instances_due,
                string_agg(
                    concat_ws(' ', instance, recorded_state, completed_on), '; ' order by instance, recorded_state
                ) filter (where recorded_state is not null) as records
            from {{ milestones }}
            group by commitment_key
        ) as m
        on s.commitment_key = m.commitment_key
{% endmacro %}
