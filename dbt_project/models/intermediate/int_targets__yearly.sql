-- Targets that differ from year to year, and come from tables kept by hand: what another body sets, as far as it was
-- published by the as-at day, and a scenario of growth less the promised share. One row per commitment, place and year
-- with a value. A value for all places of a commitment has no area; one for the place itself goes before it.
with
    places as (
        select commitment_id, area_code, any_value(target_type) as target_type, any_value(target_value) as target_value
        from {{ ref("int_commitments__scoped") }}
        where target_type in ('meet_external_annual_target', 'reduction_vs_counterfactual')
        group by commitment_id, area_code
    ),

    kept as (
        select
            commitment_id, area_code, period_label, 'meet_external_annual_target' as target_type, target_value as value
        from {{ ref("external_annual_targets") }}
        where target_value is not null and (published_on is null or published_on <= {{ as_at() }})
        union all
        select commitment_id, area_code, period_label, 'reduction_vs_counterfactual', value
        from {{ ref("counterfactual_scenarios") }}
        where value is not null
    )

select
    p.commitment_id,
    p.area_code,
    k.period_label,
    case
        when p.target_type = 'reduction_vs_counterfactual' then k.value * (1 - p.target_value / 100.0) else k.value
    end as yearly_target
from places as p
inner join
    kept as k
    on p.commitment_id = k.commitment_id
    and p.target_type = k.target_type
    and (k.area_code is null or p.area_code = k.area_code)
qualify row_number() over (partition by p.commitment_id, p.area_code, k.period_label order by k.area_code is null) = 1
