-- What the documents report, beside what arithmetic makes of it. A figure that could point at individuals is withheld
-- with everything from which it could be read back; its verdict stays.
{% set shown = "f.is_disclosive = 0" %}
select
    {{ surrogate_key(["f.figure_id"]) }} as reported_figure_key,
    f.figure_id,
    {{ surrogate_key(["f.framework_id"]) }} as framework_key,
    case
        when f.area_code is null
        then -2
        when a.area_code is null
        then -1
        else {{ surrogate_key(["a.area_code", "a.area_type"]) }}
    end as area_key,
    f.title,
    case when {{ shown }} then f.value end as value,
    case when {{ shown }} then f.value_bound end as value_bound,
    f.unit,
    case when {{ shown }} then f.decimals end as decimals,
    case when {{ shown }} then f.count end as count,
    f.base,
    f.base_bound,
    f.base_unit,
    f.base_label,
    f.other_base,
    f.other_base_label,
    case when {{ shown }} then f.listed_count end as listed_count,
    f.period_label,
    f.whole_id,
    f.part_set,
    f.direction_claimed,
    f.document_file,
    f.document_line,
    case when {{ shown }} then f.finding end as finding,
    f.finding_severity,
    case when {{ shown }} then f.finding_evidence end as finding_evidence,
    case when {{ shown }} then f.note end as note,
    f.is_disclosive as is_withheld,
    f.verdict,
    f.verdict_detail
from {{ ref("int_reported_figures__checked") }} as f
left join {{ ref("areas") }} as a on f.area_code = a.area_code
order by f.figure_id
