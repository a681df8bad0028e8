{#- COMPARISON with another area, seen from the numbers alone: is the value lower, similar or higher?

    The macros `..._outcome` return `lower`, `similar` or `higher` (at two levels also `lowest` and `highest`; for
    quantiles `quintile_1` to `quintile_5`, counted from the lowest value), and NULL when nothing is compared: an
    input is absent or outside its range. Whether lower is good is said once, by `comparison_label`. A caller leaves
    the comparator NULL where an area would be compared with itself.
    Value, limits and comparator share one unit, whichever it is.
    Source: comparator methods 1, 17, 12, 5, 15 and 16 of the open Fingertips code, as restated in the design notes.
    Method and confidence belong to a profile of Fingertips, not to the indicator: the same value may be printed
    under two methods.

    Method 1, one interval of 95 %: inside it, limits included, is similar; else the value itself says the side. -#}
{% macro single_overlapping_outcome(value, lower, upper, comparator) -%}
    case
        when {{ value }} is null or {{ lower }} is null or {{ upper }} is null or {{ comparator }} is null
        then null
        when {{ comparator }} between {{ lower }} and {{ upper }}
        then 'similar'
        when {{ value }} < {{ comparator }}
        then 'lower'
        else 'higher'
    end
{%- endmacro %}

{#- Method 17, intervals of 95 % and 99.8 %: similar inside the inner one, lower or higher between the two, lowest
    or highest beyond the outer one. A comparator on a limit belongs to the milder outcome. -#}
{% macro single_overlapping_two_level_outcome(value, lower_95, upper_95, lower_99_8, upper_99_8, comparator) -%}
    case
        when
            {{ value }} is null
            or {{ lower_95 }} is null
            or {{ upper_95 }} is null
            or {{ lower_99_8 }} is null
            or {{ upper_99_8 }} is null
            or {{ comparator }} is null
        then null
        when {{ comparator }} between {{ lower_95 }} and {{ upper_95 }}
        then 'similar'
        when {{ comparator }} between {{ lower_99_8 }} and {{ lower_95 }}
        then 'higher'
        when {{ comparator }} between {{ upper_95 }} and {{ upper_99_8 }}
        then 'lower'
        when {{ value }} < {{ comparator }}
        then 'lowest'
        else 'highest'
    end
{%- endmacro %}

{#- Method 12, an interval on each side: similar when the upper limit of the area with the lower value reaches the lower
    limit of the other; touching is reaching. -#}
{% macro double_overlapping_outcome(value, lower, upper, comparator, comparator_lower, comparator_upper) -%}
    case
        when
            {{ value }} is null
            or {{ lower }} is null
            or {{ upper }} is null
            or {{ comparator }} is null
            or {{ comparator_lower }} is null
            or {{ comparator_upper }} is null
        then null
        when {{ value }} <= {{ comparator }}
        then case when {{ upper }} >= {{ comparator_lower }} then 'similar' else 'lower' end
        when {{ comparator_upper }} >= {{ lower }}
        then 'similar'
        else 'higher'
    end
{%- endmacro %}

{#- Points of the normal distribution as Fingertips rounds them; takes the confidence as Jinja text, '95' or '99.8'. -#}
{% macro spc_z(confidence) -%} {{ {"95": "1.96", "99.8": "3.0902"}[confidence] }} {%- endmacro %}

{#- Method 5, control limits for a proportion around the comparator. Takes the multiplier that value and comparator
    carry (100 for per cent), z as SQL (`spc_z`) and the side as Jinja text, 'lower' or 'upper'. With N the
    denominator, P0 = comparator / multiplier and E = N P0:
        limit = (2 E + z^2 -+ z sqrt(z^2 + 4 E (1 - P0))) / (2 (N + z^2)) * multiplier
    NULL without a denominator above 0, and for a comparator outside 0 to the multiplier, which is no proportion. -#}
{% macro spc_proportion_limit(comparator, denominator, multiplier, z, side) -%}
    {%- set sign = {"lower": "-", "upper": "+"}[side] -%}
    {%- set share -%}({{ comparator }} / {{ multiplier }}){%- endset -%}
    case
        when {{ denominator }} > 0 and {{ comparator }} between 0 and {{ multiplier }}
        then
            (
                2 * {{ denominator }} * {{ share }} + pow({{ z }}, 2)
                {{ sign }} {{ z }} * sqrt(pow({{ z }}, 2) + 4 * {{ denominator }} * {{ share }} * (1 - {{ share }}))
            )
            / (2 * ({{ denominator }} + pow({{ z }}, 2)))
            * {{ multiplier }}
    end
{%- endmacro %}

{#- Method 5: strictly outside the control limits is different. The limits of the value itself play no part. -#}
{% macro spc_proportion_outcome(value, denominator, comparator, multiplier, z) -%}
    {%- set lower -%}{{ spc_proportion_limit(comparator, denominator, multiplier, z, "lower") }}{%- endset -%}
    {%- set upper -%}{{ spc_proportion_limit(comparator, denominator, multiplier, z, "upper") }}{%- endset -%}
    case
        when {{ value }} < {{ lower }}
        then 'lower'
        when {{ value }} > {{ upper }}
        then 'higher'
        when {{ value }} between {{ lower }} and {{ upper }}
        then 'similar'
    end
{%- endmacro %}

{#- Methods 15 (quintiles) and 16 (quartiles), the bounds: an aggregate over the values of all areas of one type,
    the least value, the inner bounds and the greatest value, by inclusive percentile (n = (N - 1) p + 1, straight
    between values). Takes the number of quantiles as a Jinja number. -#}
{% macro quantile_bounds(value, quantiles) -%}
    quantile_cont(
        {{ value }}, [{% for i in range(quantiles + 1) %}{{ i / quantiles }}{{ ", " if not loop.last }}{% endfor %}]
    )
{%- endmacro %}

{#- Methods 15 and 16: the first bound, rounded to ten decimals, that is not below the value. Takes
    `quantile_bounds`, the number of values behind them, and 5 or 4 as a Jinja number; with fewer values than
    quantiles nothing is compared. Equal values are never parted. -#}
{% macro quantile_outcome(value, bounds, count_of_values, quantiles) -%}
    {%- set name = {4: "quartile", 5: "quintile"}[quantiles] -%}
    case
        when {{ value }} is null or {{ bounds }} is null or coalesce({{ count_of_values }}, 0) < {{ quantiles }}
        then null
        {% for i in range(1, quantiles) -%}
            when {{ value }} <= round({{ bounds }} [{{ i + 1 }}], 10) then '{{ name }}_{{ i }}'
        {% endfor -%}
        else '{{ name }}_{{ quantiles }}'
    end
{%- endmacro %}

{#- The number that Fingertips gives a quantile: quintiles count from the good end where high is good, quartiles
    never. -#}
{% macro quantile_category(outcome, polarity) -%}
    case
        when {{ outcome }} like 'quintile%' and {{ polarity }} = 'high_is_good'
        then 6 - cast(right({{ outcome }}, 1) as integer)
        when {{ outcome }} like 'quintile%' or {{ outcome }} like 'quartile%'
        then cast(right({{ outcome }}, 1) as integer)
    end
{%- endmacro %}

{#- LABEL of an outcome, in the words of Fingertips. Takes the polarity of the indicator: `high_is_good` and
    `low_is_good` are judged; `not_applicable` is never compared; any other, also NULL, carries no judgement. With
    two_level (Jinja) true the label names the level (method 17), otherwise `lowest` reads as `lower` does.
    Quantiles are places in an order and have the same names whatever the polarity. -#}
{% macro comparison_label(outcome, polarity, two_level=false) -%}
    case
        when {{ outcome }} is null
        then 'Not compared'
        when {{ outcome }} like 'quintile%' or {{ outcome }} like 'quartile%'
        then
            case
                {{ outcome }}
                when 'quintile_1'
                then 'Lowest quintile'
                when 'quintile_2'
                then '2nd lowest quintile'
                when 'quintile_3'
                then 'Middle quintile'
                when 'quintile_4'
                then '2nd highest quintile'
                when 'quintile_5'
                then 'Highest quintile'
                when 'quartile_1'
                then 'Lowest quartile'
                when 'quartile_2'
                then '2nd lowest quartile'
                when 'quartile_3'
                then '2nd highest quartile'
                when 'quartile_4'
                then 'Highest quartile'
            end
        when {{ polarity }} = 'not_applicable'
        then 'Not compared'
        when {{ outcome }} = 'similar'
        then 'Similar'
        when {{ polarity }} in ('high_is_good', 'low_is_good')
        then
            case
                when ({{ outcome }} in ('higher', 'highest')) = ({{ polarity }} = 'high_is_good')
                then 'Better'
                else 'Worse'
            end
            {% if two_level %}
                || case when {{ outcome }} in ('lowest', 'highest') then ' 99.8%' else ' 95%' end
            {% endif %}
        {% if two_level %}
            when {{ outcome }} in ('lowest', 'highest')
            then case when {{ outcome }} = 'lowest' then 'Lowest' else 'Highest' end
        {% endif %}
        when {{ outcome }} in ('lower', 'lowest')
        then 'Lower'
        else 'Higher'
    end
{%- endmacro %}

{#- The outcome by the method and confidence that the indicator declares (seed `comparison_rules`), against one
    comparator: England, a region, a parent. Takes the comparator and its 95 % limits; reads the columns
    comparator_method, comparator_confidence, value, denominator, multiplier and the limits `lower_95`, `upper_95`,
    `lower_99_8` and `upper_99_8`. Quantiles rank among peers and compare with nobody, so they have no outcome here
    (`quantile_outcome`). Method 6, control limits of standardised rates, needs a second denominator that no extract
    prints. -#}
{% macro outcome_by_declared_method(comparator, comparator_lower, comparator_upper) -%}
    case
        comparator_method
        when 'single_overlapping_ci'
        then
            case
                comparator_confidence
                when '95'
                then {{ single_overlapping_outcome("value", "lower_95", "upper_95", comparator) }}
                when '99.8'
                then {{ single_overlapping_outcome("value", "lower_99_8", "upper_99_8", comparator) }}
                when '95 and 99.8'
                then
                    {{
                        single_overlapping_two_level_outcome(
                            "value", "lower_95", "upper_95", "lower_99_8", "upper_99_8", comparator
                        )
                    }}
            end
        when 'double_overlapping_ci'
        then
            {{
                double_overlapping_outcome(
                    "value", "lower_95", "upper_95", comparator, comparator_lower, comparator_upper
                )
            }}
        when 'spc_proportions'
        then
            case
                comparator_confidence
                {% for confidence in ["95", "99.8"] -%}
                    when '{{ confidence }}'
                    then
                        {{
                            spc_proportion_outcome(
                                "value", "denominator", comparator, "multiplier", spc_z(confidence) | trim
                            )
                        }}
                {% endfor -%}
            end
    end
{%- endmacro %}

{#- The label of `outcome_by_declared_method`: at two levels it names the level. -#}
{% macro label_by_declared_method(outcome, polarity) -%}
    case
        when comparator_confidence = '95 and 99.8'
        then {{ comparison_label(outcome, polarity, two_level=true) }}
        else {{ comparison_label(outcome, polarity) }}
    end
{%- endmacro %}

{#- Why `outcome_by_declared_method` gives none; NULL where it gives one. -#}
{% macro not_compared_reason(outcome, comparator) -%}
    case
        when {{ outcome }} is not null
        then null
        when comparator_method = 'none'
        then 'indicator_is_not_compared'
        when value is null
        then 'no_value'
        when comparator_method in ('quintiles', 'quartiles')
        then 'ranked_among_peers'
        when {{ comparator }} is null
        then 'no_comparator_value'
        when comparator_method = 'spc_proportions'
        then 'no_denominator'
        else 'no_limits'
    end
{%- endmacro %}

{#- The areas among which a value is ranked, from the type of area: councils of one tier, single-tier councils being
    of both; boards, regions and the like among themselves. The caller says which tier it ranks. -#}
{% macro is_of_tier(area_type, tier) -%}
    {%- if tier == "upper_tier" -%}
        {{ area_type }} in ('county', 'unitary_authority', 'metropolitan_district', 'london_borough')
    {%- elif tier == "lower_tier" -%}
        {{ area_type }} in ('district', 'unitary_authority', 'metropolitan_district', 'london_borough')
    {%- endif -%}
{%- endmacro %}
