-- What every system, region, combined authority, county and neighbourhood is made of, one row per set and member.
--
-- Two sources: the seed `area_footprints` for what is agreed (boards of whole councils, neighbourhoods of wards), and
-- the register of areas for what follows from it (upper-tier councils of a region or combined authority, districts of
-- a county, parts of a board, regions of England). The dates of the seed speak for what is agreed: neighbourhoods of
-- wards go on in figures after the wards were redrawn. Councils are merged and split, and a publisher may give old
-- years on old or on new boundaries: a footprint has one set for every day on which its members changed, the newest
-- first. Sets never mix. usable_before: where a member joined or left outright, the older set is another area from
-- that day on, and its sum would pass a part for the whole. Where members were merged or split the old set goes on: it
-- is the same area.
with
    named as (select * from {{ ref("int_areas__named") }} where is_registered = 1),

    members as (
        select
            f.footprint_code,
            footprint.area_type as footprint_area_type,
            f.footprint_type,
            member.area_code,
            member.area_type,
            f.valid_from,
            f.valid_to,
            1::smallint as is_declared
        from {{ ref("area_footprints") }} as f
        inner join named as footprint on f.footprint_code = footprint.area_code
        inner join named as member on f.constituent_code = member.area_code
        {% for parent, footprint_type, members in [
                ("region_code", "region", is_of_tier("m.area_type", "upper_tier")),
                ("combined_authority_code", "combined_authority", is_of_tier("m.area_type", "upper_tier")),
                ("upper_tier_code", "districts_of_county", "m.area_type = 'district'"),
                ("icb_code", "parts_of_board", "m.area_type = 'sub_icb_location'"),
            ] %}
            union all
            select
                footprint.area_code as footprint_code,
                footprint.area_type as footprint_area_type,
                '{{ footprint_type }}' as footprint_type,
                m.area_code,
                m.area_type,
                m.valid_from,
                m.valid_to,
                0::smallint as is_declared
            from named as m
            inner join named as footprint on m.{{ parent }} = footprint.area_code
            where {{ members }} and m.area_code <> footprint.area_code
        {% endfor %}
        union all
        select
            'E92000001' as footprint_code,
            'england' as footprint_area_type,
            'regions_of_england' as footprint_type,
            area_code,
            area_type,
            valid_from,
            valid_to,
            0::smallint as is_declared
        from named
        where area_type = 'region'
    ),

    days as (
        select distinct footprint_code, footprint_type, coalesce(valid_from, date '1900-01-01') as day
        from members
        union
        select distinct footprint_code, footprint_type, cast(valid_to + interval 1 day as date) as day
        from members
        where valid_to < {{ as_at() }}
    ),

    standing as (
        select
            m.footprint_code,
            m.footprint_type,
            d.day,
            m.footprint_area_type,
            m.is_declared,
            list_sort(list({'area_code':m.area_code, 'area_type':m.area_type})) as members
        from members as m
        inner join
            days as d
            on m.footprint_code = d.footprint_code
            and m.footprint_type = d.footprint_type
            and coalesce(m.valid_from, d.day) <= d.day
            and coalesce(m.valid_to, d.day) >= d.day
        where d.day <= {{ as_at() }}
        group by all
    ),

    sets as (
        select
            footprint_code,
            footprint_area_type,
            footprint_type,
            is_declared,
            members,
            max(day) as set_from,
            cast(len(members) as integer) as constituents
        from standing
        group by all
    )

select
    footprint_code,
    footprint_area_type,
    footprint_type,
    is_declared,
    set_from,
    (
        select min(newer.set_from)
        from sets as newer
        where
            newer.footprint_code = sets.footprint_code
            and newer.footprint_type = sets.footprint_type
            and newer.set_from > sets.set_from
            and (list_has_all(newer.members, sets.members) or list_has_all(sets.members, newer.members))
    ) as usable_before,
    constituents,
    {{ surrogate_key(["footprint_code", "footprint_type", "set_from"]) }} as set_key,
    unnest(members, recursive := true)
from sets
