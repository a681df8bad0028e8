{% macro isr_expected(population, reference_count, reference_population, order_by) -%}
    {%- set band -%}
    case
        when {{ population }} >= 0 and {{ reference_count }} >= 0 and {{ reference_population }} > 0
        then
            cast({{ population }} as double)
            * cast({{ reference_count }} as double)
            / cast({{ reference_population }} as double)
    end
    {%- endset -%}
    {{ complete_sum(band, order_by) }}
{%- endmacro %}

{% macro isr_reference_rate(reference_count, reference_population, multiplier, order_by) -%}
    {%- set count -%}case when {{ reference_count }} >= 0 then {{ reference_count }} end{%- endset -%}
    {%- set population -%}case when {{ reference_population }} > 0 then {{ reference_population }} end{%- endset -%}
    {{ complete_sum(count, order_by) }} / {{ complete_sum(population, order_by) }} * cast({{ multiplier }} as double)
{%- endmacro %}

{% macro isr_ratio(observed, expected, multiplier) -%}
    case
        when {{ observed }} >= 0 and {{ expected }} > 0
        then cast({{ observed }} as double) / cast({{ expected }} as double) * cast({{ multiplier }} as double)
    end
{%- endmacro %}

{% macro isr_rate(observed, expected, reference_rate) -%}
    {{ isr_ratio(observed, expected, reference_rate) }}
{%- endmacro %}

{% macro isr_limit(observed, expected, scale, confidence, side) -%}
    {{ rate_limit(observed, expected, scale, confidence, side) }}
{%- endmacro %}
