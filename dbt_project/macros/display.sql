{#- Numbers as people write them. Display only: no value is computed from the text. -#}
{% macro rounded(value, decimals) -%}
    format('{:,.' || cast(coalesce({{ decimals }}, 1) as varchar) || 'f}', {{ value }})
{%- endmacro %}

{#- A number with its unit: `12.3%`, `63.4 years`, `27.5 per 100,000`; NULL when the number is. -#}
{% macro with_unit(value, unit, decimals) -%}
    case
        when {{ value }} is null
        then null
        when {{ unit }} = '%'
        then concat({{ rounded(value, decimals) }}, '%')
        else concat_ws(' ', {{ rounded(value, decimals) }}, {{ unit }})
    end
{%- endmacro %}

{#- A probability of meeting the target in words with a whole percentage; the ends are never called certain. -#}
{% macro chance_words(probability) -%}
    case
        when {{ probability }} < 0.01
        then 'a chance below 1% of meeting the target'
        when {{ probability }} > 0.99
        then 'a chance above 99% of meeting the target'
        else concat('a chance of ', format('{:.0f}', 100 * {{ probability }}), '% of meeting the target')
    end
{%- endmacro %}

{#- How often an output is promised, as an adverb. -#}
{% macro recurrence_words(recurrence) -%}
    case
        {{ recurrence }}
        when 'weekly'
        then 'every week'
        when 'fortnightly'
        then 'every fortnight'
        when 'monthly'
        then 'every month'
        when 'bimonthly'
        then 'every two months'
        when 'quarterly'
        then 'every quarter'
        when 'annual'
        then 'every year'
    end
{%- endmacro %}
