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

{#- A figure as a person reads it in a cell: the number with its unit, or, where there is none, the shorthand that says
    why, such as `[c]`. A mark on a figure that is there, such as `[u]` for low reliability, stands behind it.
    `otherwise` is the shorthand where no status names one. -#}
{% macro shown(value, unit, decimals, shorthand="null", otherwise="'[x]'") -%}
    case
        when {{ value }} is null
        then coalesce({{ shorthand }}, {{ otherwise }})
        else concat_ws(' ', {{ with_unit(without_minus_zero(value, decimals), unit, decimals) }}, {{ shorthand }})
    end
{%- endmacro %}

{#- A number that would be written as minus nought, as nought. -#}
{% macro without_minus_zero(value, decimals) -%}
    case when abs({{ value }}) < 0.5 / pow(10, coalesce({{ decimals }}, 1)) then 0.0 else {{ value }} end
{%- endmacro %}

{#- What stands behind a bare number: `%`, ` years`, ` per 100,000`; NULL where the unit is not known. -#}
{% macro unit_suffix(unit) -%}
    case when {{ unit }} = '%' then '%' else ' ' || nullif({{ unit }}, '') end
{%- endmacro %}

{#- Which way is better, in words; NULL where the polarity is not known. -#}
{% macro polarity_words(polarity) -%}
    case
        {{ polarity }}
        when 'high_is_good'
        then 'High is good'
        when 'low_is_good'
        then 'Low is good'
        when 'no_judgement'
        then 'No judgement'
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
