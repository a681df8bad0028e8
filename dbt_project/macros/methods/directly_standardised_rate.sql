{#- Sum of a double over rows that have to be all there: NULL as soon as one of them is NULL, because a suppressed count is
    not nought. In a stated order, because a sum of doubles depends on it. -#}
{% macro complete_sum(value, order_by) -%}
    case when count(*) = count({{ value }}) then sum(cast({{ value }} as double) order by {{ order_by }}) end
{%- endmacro %}

{#- DIRECTLY STANDARDISED RATE with limits by Dobson's method.

    Aggregates over the age bands of a group, one row a band, so for use in `select ... group by`; `order_by` is what puts
    the bands in order. With events x, population n and weight w of each band, O = sum x:
    `dsr_value`: multiplier * sum(w x / n) / sum w.
    `dsr_variance`: sum(w^2 x / n^2) / (sum w)^2, of the share, without multiplier; for events that are independent.
    `dsr_variance_of_repeated_events`: the same where one person may have several events. In place of x stands
    `sum_of_squared_events`, per band the sum over f of f^2 times the persons with f events, which is x when f is always 1.
    `dsr_limit`: value + multiplier * sqrt(variance / O) * (Byar limit of O - O), from `dsr_value`, a variance and O
    (`complete_sum` of the counts); no aggregate itself.
    NULL where a band lacks its count, population or weight, or has a population that is not above 0, a negative count or a
    negative weight; value and limits also where O is below 10.
    Not checked: that every age band stands there, and stands there once.
    Source: Dobson et al. 1991; OHID public health technical guidance, as restated in the design notes on methods. -#}
{% macro dsr_is_reliable(total_count) -%} {{ total_count }} >= 10 {%- endmacro %}

{#- Weight over population, to a power, times the events: NULL for a band that cannot be used. -#}
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

{#- European standard population 2013, by the first age of a five-year band, the last being 90 and over; NULL for any other
    age. The nineteen bands add up to 100,000. Source: Eurostat, Revision of the European Standard Population, 2013. -#}
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
