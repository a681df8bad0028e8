-- Standardised rates and ratios and life expectancies from events and populations by age band; where one cannot be
-- given,
-- the reason.
select
    s.standardised_value_key,
    {{ surrogate_key(["s.indicator_id"]) }} as indicator_key,
    {{ surrogate_key(["s.area_code", "s.area_type"]) }} as area_key,
    {{ surrogate_key(["s.period_type", "s.period_start", "s.period_end"]) }} as period_key,
    {{ surrogate_key(["s.sex", "'All ages'", "'Total'", "'Total'"]) }} as population_group_key,
    s.standardisation_id,
    s.method,
    s.indicator_id,
    s.area_code,
    s.is_added_up,
    s.value,
    s.lower_ci_95,
    s.upper_ci_95,
    s.lower_ci_99_8,
    s.upper_ci_99_8,
    s.not_standardised_reason,
    s.multiplier,
    s.events,
    s.population,
    s.expected_events,
    s.bands,
    s.reference_area_code
from {{ ref("int_age_bands__standardised") }} as s
order by s.standardisation_id, s.area_code, s.area_type, s.period_end, s.period_start, s.sex
