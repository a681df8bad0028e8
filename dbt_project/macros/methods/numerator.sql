{#- Half a unit of the last decimal of a published text: how far rounding alone can move a number. `12.5` gives 0.05,
    `1,234` gives 0.5; 0 for NULL, so that a missing text widens nothing. -#}
{% macro half_unit(as_published) -%}
    case
        when {{ as_published }} is null
        then 0.0
        else 0.5 / pow(10, length(regexp_extract({{ as_published }}, '\.(\d+)', 1)))
    end
{%- endmacro %}

{#- NUMERATOR: is the published count what was divided by the denominator to give the value?

    Takes the kind of value, value, count, denominator, what the ratio is multiplied by, and the value as text. Returns 1,
    or 0 when multiplier * count / denominator misses the value by more than its rounding and by more than 1 %; NULL
    where it cannot be checked: kinds of value that are no ratio of counts, and rows that lack one of the three.
    One indicator has counts of about 100 beside denominators of 17,000 and values of 20 to 35 %: statistics on such counts
    are wrong without looking wrong. Source: the design notes on methods, empirical check of published trends. -#}
{% macro is_count_numerator(value_type, value, count, denominator, multiplier, as_published) -%}
    case
        when
            {{ value_type }} in ('proportion', 'crude_rate')
            and {{ value }} is not null
            and {{ count }} is not null
            and {{ denominator }} > 0
        then
            cast(
                abs({{ count }} / {{ denominator }} * {{ multiplier }} - {{ value }})
                <= greatest({{ half_unit(as_published) }}, 0.01 * abs({{ value }})) as smallint
            )
    end
{%- endmacro %}
