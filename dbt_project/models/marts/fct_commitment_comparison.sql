-- Every row of the scorecard that is measured by a value, beside every comparator of its place: England, region,
-- combined authority, board and county, and each dated set of neighbours; one row per scorecard row and comparator.
--
-- For a set of neighbours the comparator is the median of those that have a value of the same period and group, without
-- a verdict; the place of the area among them is given, the best first, from the commitment's point of view.
with
    scored as (
        select
            s.commitment_key,
            s.commitment_id,
            s.area_key,
            s.area_code,
            s.area_name,
            s.place_role,
            s.indicator_key,
            s.population_group_key,
            s.period_key,
            s.period_label,
            s.actual_value,
            s.unit,
            s.status_code,
            s.actual_value_key,
            case c.desired_direction when 'increase' then 1 when 'decrease' then -1 when 'cap' then -1 end as sign
        from {{ ref("v_scorecard") }} as s
        inner join {{ ref("dim_commitment") }} as c on s.commitment_key = c.commitment_key
        where s.measured_as = 'value' and s.actual_value_key is not null and s.actual_value is not null
    ),

    neighbours as (
        select
            s.commitment_key,
            s.area_key,
            n.neighbour_set_id,
            n.neighbour_set,
            n.neighbour_set_as_of,
            median(v.value) as comparator_value,
            count(v.value) as neighbours_with_value,
            count(*) as neighbours,
            count(v.value) filter (where s.sign * (v.value - s.actual_value) > 0) + 1 as place_among_neighbours
        from scored as s
        inner join {{ ref("bridge_area_neighbour") }} as n on s.area_key = n.area_key
        left join
            {{ ref("fct_indicator_value") }} as v
            on n.neighbour_area_key = v.area_key
            and s.indicator_key = v.indicator_key
            and s.period_key = v.period_key
            and s.population_group_key = v.population_group_key
        group by s.commitment_key, s.area_key, n.neighbour_set_id, n.neighbour_set, n.neighbour_set_as_of
    ),

    beside as (
        select
            s.commitment_id,
            s.area_code,
            s.area_name,
            s.place_role,
            s.status_code,
            s.period_label,
            s.actual_value,
            s.unit,
            v.comparator_relation,
            v.comparator_area_code as comparator_id,
            v.comparator_area_name as comparator_name,
            cast(null as varchar) as comparator_as_of,
            v.comparator_value,
            v.comparator_basis,
            v.compared,
            cast(null as integer) as place_among_neighbours,
            cast(null as integer) as neighbours_with_value,
            cast(null as integer) as neighbours,
            s.commitment_key,
            s.area_key,
            s.indicator_key,
            s.population_group_key,
            s.period_key
        from scored as s
        inner join {{ ref("v_comparison") }} as v on s.actual_value_key = v.indicator_value_key
        union all
        select
            s.commitment_id,
            s.area_code,
            s.area_name,
            s.place_role,
            s.status_code,
            s.period_label,
            s.actual_value,
            s.unit,
            'neighbours' as comparator_relation,
            n.neighbour_set_id as comparator_id,
            n.neighbour_set as comparator_name,
            n.neighbour_set_as_of as comparator_as_of,
            n.comparator_value,
            'median_of_neighbours' as comparator_basis,
            cast(null as varchar) as compared,
            cast(case when s.sign is not null then n.place_among_neighbours end as integer) as place_among_neighbours,
            cast(n.neighbours_with_value as integer) as neighbours_with_value,
            cast(n.neighbours as integer) as neighbours,
            s.commitment_key,
            s.area_key,
            s.indicator_key,
            s.population_group_key,
            s.period_key
        from scored as s
        inner join neighbours as n on s.commitment_key = n.commitment_key and s.area_key = n.area_key
        where n.neighbours_with_value > 0
    )

select
    {{ surrogate_key(["commitment_key", "area_key", "comparator_relation", "comparator_id"]) }}
    as commitment_comparison_key,
    *
from beside
order by commitment_id, area_code, comparator_relation, comparator_id, commitment_comparison_key
