-- The code that stands today for every code that was replaced without a change of boundaries. Follows chains of
-- recodings to their end; a code whose chain runs in a circle has no end and is left out. Merged and split areas are
-- other areas: they are never carried over.
{{ config(materialized="view") }}
with recursive
    recodings as (select area_code, successor_code from {{ ref("area_successions") }} where change = 'recoded'),

    chains as (
        select area_code, successor_code
        from recodings
        union
        select c.area_code, r.successor_code
        from chains as c
        inner join recodings as r on c.successor_code = r.area_code
    )

select area_code, max(successor_code) as current_code
from chains
where successor_code not in (select area_code from recodings)
group by area_code
