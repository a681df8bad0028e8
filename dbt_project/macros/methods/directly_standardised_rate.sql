{% macro complete_sum(value, order_by) -%}
    case when count(*) = count({{ value }}) then sum(cast({{ value }} as double) order by {{ order_by }}) end
{%- endmacro %}

{% macro dsr_is_reliable(total_count) -%} {{ total_count }} >= 10 {%- endmacro %}

{% macro dsr_band(events, population, weight, power) -%}
    case
        when {{ events }} >= 0 and {{ population }} > 0 and {{ weight }} >= 0
        then
            pow(cast({{ weight }} as double) / cast({{ population }} as double), {{ power }})
            * cast({{ events }} as double)
    end
{%- endmacro %}

{% macro dsr_value(count, population, weight, multiplier, order_by) -%}
    case
        when {{ dsr_is_reliable(complete_sum(count, order_by)) }}
        then
            {{ complete_sum(dsr_band(count, population, weight, 1), order_by) }}
            / nullif({{ complete_sum(weight, order_by) }}, 0)
            * cast({{ multiplier }} as double)
    end
{%- endmacro %}

{% macro dsr_variance(count, population, weight, order_by) -%}
    {{ complete_sum(dsr_band(count, population, weight, 2), order_by) }}
    / nullif(pow({{ complete_sum(weight, order_by) }}, 2), 0)
{%- endmacro %}

{% macro dsr_variance_of_repeated_events(sum_of_squared_events, population, weight, order_by) -%}
    {{ dsr_variance(sum_of_squared_events, population, weight, order_by) }}
{%- endmacro %}

{% macro dsr_limit(value, variance, count, multiplier, confidence, side) -%}
    case
        when {{ dsr_is_reliable(count) }}
        then
            {{ value }}
            + cast({{ multiplier }} as double)
            * sqrt(cast({{ variance }} as double) / cast({{ count }} as double))
            * ({{ byar_limit(count, confidence, side) }} - cast({{ count }} as double))
    end
{%- endmacro %}

{% macro esp2013_weight(age_band_start) -%}
    case
        {{ age_band_start }}
        {% for weight in [
            5000,
            5500,
            5500,
            5500,
            6000,
            6000,
            6500,
            7000,
            7000,
            7000,
            7000,
            6500,
            6000,
            5500,
            5000,
            4000,
            2500,
            1500,
            1000,
        ] -%}
            when {{ 5 * loop.index0 }} then {{ weight }}
        {% endfor -%}
    end
{%- endmacro %}
