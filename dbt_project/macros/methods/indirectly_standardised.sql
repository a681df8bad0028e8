{#- INDIRECTLY STANDARDISED RATIO AND RATE.

    `isr_expected` and `isr_reference_rate` are aggregates over the age bands of a group, one row a band, in the order of
    `order_by`. With population n of a band, and events x_ref and population n_ref of the same band in the reference:
    `isr_expected` (events): E = sum(n x_ref / n_ref). `isr_reference_rate`: multiplier * sum x_ref / sum n_ref.
    Both are NULL where a band lacks an input, where a reference population is not above 0 and where an input is negative; a
    band in which nobody lives expects nothing.
    With observed events O (`complete_sum` of the counts, from `directly_standardised_rate`):
    `isr_ratio`: multiplier * O / E. `isr_rate`: O / E * reference rate, in the unit of that rate.
    `isr_limit`: the Poisson limit of O, scaled the same way; `scale` is the multiplier of the ratio or the reference rate.
    NULL unless E > 0 and O >= 0; the reference counts as known without error.
    Source: OHID public health technical guidance, as restated in the design notes on methods. -#}
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
