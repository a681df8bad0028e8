-- Every accepted row of every source that holds indicator values, in one shape.
-- The list of staging models comes from the source declarations: a new source does not edit this file.
{% for model in var("indicator_value_models") %}
    select *
    from {{ ref(model) }}
    {% if not loop.last %}
        union all by name
    {% endif %}
{% endfor %}
