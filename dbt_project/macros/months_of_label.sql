{#- Length in months of a period label as the register writes baselines: `2019`, `2020/21`, `2018 - 20`, `2020/21 - 24/25`.
    Takes a label; returns whole years in months, NULL for NULL. The full grammar lives in `acquire/period_labels.py`. -#}
{% macro months_of_label(label) -%}
    case
        when regexp_full_match({{ label }}, '\d{4} - \d{2}')
        then
            12 * (1 + (100 + cast(right({{ label }}, 2) as integer) - cast(substr({{ label }}, 3, 2) as integer)) % 100)
        when regexp_full_match({{ label }}, '\d{4}/\d{2} - \d{2}/\d{2}')
        then
            12 * (
                1
                + (100 + cast(substr({{ label }}, 11, 2) as integer) - cast(substr({{ label }}, 3, 2) as integer)) % 100
            )
        when {{ label }} is not null
        then 12
    end
{%- endmacro %}
