{#- The stated grain of a table: no two rows share these columns. -#}
{% test grain(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as rows_of_this_grain
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}

{#- A condition that every row satisfies; NULL counts as a failure. -#}
{% test every_row(model, condition, column_name=none) %}
    select * from {{ model }} where ({{ condition }}) is not true
{% endtest %}
