-- Every member of every neighbour set, each repetition named. A set is published whole: the latest release of a set
-- replaces the one before it, members that left included.
with
    members as (
        {% for model in var("neighbour_set_models") %}
            select *
            from {{ ref(model) }}
            {% if not loop.last %}
                union all by name
            {% endif %}
        {% endfor %}
    ),

    ranked as (
        select
            *,
            max(source_release) over (partition by set_id, area_code) as latest_release,
            row_number() over (
                partition by set_id, area_code, neighbour_code, source_release order by source_file, source_row_number
            ) as copy_number
        from members
    )

select
    * exclude (latest_release, copy_number),
    case
        when source_release < latest_release
        then 'superseded_by_later_release'
        when copy_number > 1
        then 'repeated_across_files'
    end as duplicate_reason
from ranked
