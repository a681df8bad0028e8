select
    {{ surrogate_key(["c.commitment_id", "c.valid_from"]) }} as commitment_key,
    c.commitment_id,
    {{ surrogate_key(["c.framework_id"]) }} as framework_key,
    c.aim,
    c.priority,
    c.title,
    c.kind,
    c.target_type,
    c.operator,
    c.target_value,
    c.target_unit,
    c.change_basis,
    c.comparator_area_code,
    c.comparator_rule,
    c.comparator_neighbour_set,
    c.level_rule,
    c.sequence_rule,
    c.gap_measure,
    c.gap_dimension,
    c.desired_direction,
    c.due_date,
    c.due_date_precision,
    c.due_date_source,
    c.earliest_date,
    c.recurrence,
    c.baseline_period_label,
    c.baseline_period_source,
    c.baseline_value as baseline_value_stated,
    c.baseline_value_source,
    c.owner,
    f.document_file,
    c.document_line,
    c.parent_commitment_id,
    c.same_as_commitment_id,
    c.sibling_group,
    c.data_gap_reason,
    c.data_needed,
    c.analyst_note,
    cast(coalesce(c.is_permissive, 0) as smallint) as is_permissive,
    c.valid_from,
    c.valid_to,
    c.superseded_by,
    cast(c.valid_from <= {{ as_at() }} and (c.valid_to is null or c.valid_to > {{ as_at() }}) as smallint) as is_current
from {{ ref("commitments") }} as c
inner join {{ ref("frameworks") }} as f on c.framework_id = f.framework_id
union all by name
select *
from
    (
        values
            (-1::bigint, 'unknown', -1::bigint, 'Unknown', 0::smallint, 0::smallint),
            (-2::bigint, 'not_applicable', -2::bigint, 'Not applicable', 0::smallint, 0::smallint)
    ) as special(commitment_key, commitment_id, framework_key, title, is_permissive, is_current)
order by commitment_key
