{#- The day on which a release of a source was known, from its name: `2026-05`, `2026-05-b`, `2026-05-14`. A name without a
    day stands for the first of its month. NULL for a name of another shape. -#}
{% macro released_on(release) -%}
    coalesce(
        try_cast(regexp_extract({{ release }}, '^\d{4}-\d{2}-\d{2}') as date),
        try_cast(regexp_extract({{ release }}, '^\d{4}-\d{2}') || '-01' as date)
    )
{%- endmacro %}
