{#- CONFIDENCE LIMITS of counts, proportions and rates.

    Everywhere `confidence` is the Jinja string '95' or '99.8' and `side` is 'lower' or 'upper'; any other word stops the
    rendering. The other arguments are SQL expressions of any numeric type; all arithmetic is in doubles.
    With count x, denominator n and the normal quantile z of the confidence:
    `wilson_limit` (share, 0 to 1): (2x + z^2 -+ z sqrt(z^2 + 4x(n - x) / n)) / (2(n + z^2)), Wilson 1927. NULL unless n > 0
    and 0 <= x <= n. x may be a fraction.
    `byar_limit` (count): lower x(1 - 1/(9x) - z/(3 sqrt(x)))^3, upper the same with x + 1 and + z; Breslow and Day 1987.
    NULL for a count below 0; the lower one also at 0 and where the cube is below 0.
    `poisson_limit` (count): exact below 10, Byar from 10. Below 10 only whole counts have a limit, the others and negative
    counts are NULL: the exact limits are tabulated, because DuckDB has no quantile of chi-squared.
    `rate_limit` and `proportion_limit`: limits of multiplier * x / n, in the unit of the multiplier.
    Source: OHID public health technical guidance, as restated in the design notes on methods. Some publishers use plain
    Byar below 10 as well, so published limits of small counts can differ from `rate_limit`. -#}
{#- A number with an exponent is a double in DuckDB, one without is a decimal, whose products overflow. `pop`, because a
    missing key raises with it in every Jinja, while dbt renders what `[...]` does not find as nothing. -#}
{% macro z_of(confidence) -%}
    {{ {"95": "1.959963984540054e0", "99.8": "3.090232306167813e0"}.pop(confidence) }}
{%- endmacro %}

{#- The lower limit is multiplied out by its conjugate, 2x^2 / (n (2x + z^2 + z sqrt(...))): the published form subtracts two
    nearly equal numbers when x is small and misses nought at x = 0. The upper limit has only sums, but at x = n they need
    not round to one. -#}
{% macro wilson_limit(count, denominator, confidence, side) -%}
    {%- set z = z_of(confidence) -%}
    {%- set x -%}cast({{ count }} as double){%- endset -%}
    {%- set n -%}cast({{ denominator }} as double){%- endset -%}
    {%- set upper_part -%}
    (2 * {{ x }} + {{ z }} * {{ z }} + {{ z }} * sqrt({{ z }} * {{ z }} + 4 * {{ x }} * ({{ n }} - {{ x }}) / {{ n }}))
    {%- endset -%}
    {%- set lower -%}2 * {{ x }} / {{ n }} * {{ x }} / {{ upper_part }}{%- endset -%}
    {%- set upper -%}
    case when {{ x }} = {{ n }} then 1 else {{ upper_part }} / (2 * ({{ n }} + {{ z }} * {{ z }})) end
    {%- endset -%}
    case when {{ n }} > 0 and {{ x }} between 0 and {{ n }} then {{ {"lower": lower, "upper": upper}.pop(side) }} end
{%- endmacro %}

{% macro byar_limit(count, confidence, side) -%}
    {%- set z = z_of(confidence) -%}
    {%- set x -%}cast({{ count }} as double){%- endset -%}
    {%- set root -%}(1 - 1 / (9 * {{ x }}) - {{ z }} / (3 * sqrt({{ x }}))){%- endset -%}
    {%- set lower -%}case when {{ x }} > 0 then case when {{ root }} >= 0 then {{ x }} * pow({{ root }}, 3) end end{%- endset -%}
    {%- set upper -%}
    case
        when {{ x }} >= 0
        then ({{ x }} + 1) * pow(1 - 1 / (9 * ({{ x }} + 1)) + {{ z }} / (3 * sqrt({{ x }} + 1)), 3)
    end
    {%- endset -%}
    {{ {"lower": lower, "upper": upper}.pop(side) }}
{%- endmacro %}

{#- Half the chi-squared quantiles, for counts of 0 to 9: of (1 - confidence) / 2 with 2x degrees of freedom below, of the
    complement with 2x + 2 above. Solved from the Poisson sums with 60 digits and rounded to doubles. -#}
{% macro poisson_limit(count, confidence, side) -%}
    {%- set exact = (
        {
            "95": {
                "lower": [
                    "0e0",
                    "0.025317807984289876e0",
                    "0.2422092785439649e0",
                    "0.6186721228956013e0",
                    "1.0898653736263249e0",
                    "1.6234863901184204e0",
                    "2.2018942534908508e0",
                    "2.814363051519866e0",
                    "3.4538321767485014e0",
                    "4.115373097378332e0",
                ],
                "upper": [
                    "3.6888794541139363e0",
                    "5.571643390938899e0",
                    "7.224687667723961e0",
                    "8.767273069742327e0",
                    "10.241588675403698e0",
                    "11.668332079322669e0",
                    "13.059474022518685e0",
                    "14.42267536170238e0",
                    "15.763189220193315e0",
                    "17.08480345141917e0",
                ],
            },
            "99.8": {
                "lower": [
                    "0e0",
                    "0.0010005003335835335e0",
                    "0.04540201776948956e0",
                    "0.1905333775684032e0",
                    "0.42855241362842295e0",
                    "0.7393717319178326e0",
                    "1.1071046602556394e0",
                    "1.520336260398809e0",
                    "1.9708139217403657e0",
                    "2.452424404363775e0",
                ],
                "upper": [
                    "6.907755278982137e0",
                    "9.233413476451586e0",
                    "11.228872242412663e0",
                    "13.062240779188071e0",
                    "14.794149222537209e0",
                    "16.45474520368011e0",
                    "18.06163684019907e0",
                    "19.62617739538424e0",
                    "21.15619816583998e0",
                    "22.65737330906293e0",
                ],
            },
        }
        .pop(confidence)
        .pop(side)
    ) -%}
    case
        when {{ count }} < 10
        then case {{ count }} {% for limit in exact -%} when {{ loop.index0 }} then {{ limit }} {% endfor -%} end
        else {{ byar_limit(count, confidence, side) }}
    end
{%- endmacro %}

{% macro rate_limit(count, denominator, multiplier, confidence, side) -%}
    case
        when {{ denominator }} > 0
        then
            {{ poisson_limit(count, confidence, side) }}
            / cast({{ denominator }} as double)
            * cast({{ multiplier }} as double)
    end
{%- endmacro %}

{% macro proportion_limit(count, denominator, multiplier, confidence, side) -%}
    {{ wilson_limit(count, denominator, confidence, side) }} * cast({{ multiplier }} as double)
{%- endmacro %}

{#- Is a printed 95 % limit of one side what the counts give? Reads the columns of the values, aliased v. Within half a unit of
    the last decimal of the value and a millionth of the limit, where both are absent (Byar has no lower limit of nought), or,
    where the publisher rounds the counts of a rate, as near to the limits of the least and the greatest count that rounds
    to the printed one, or between them. -#}
{% macro limit_is_reproduced(side) -%}
    {%- set printed -%}v.{{ side }}_ci_95{%- endset -%}
    {%- set tolerance -%}({{ half_unit("v.value_as_published") }} + 1e-6 * abs({{ printed }})){%- endset -%}
    {%- set least -%}greatest(ceil(v.count - v.count_rounding / 2.0), 0){%- endset -%}
    {%- set greatest -%}floor(v.count + v.count_rounding / 2.0){%- endset -%}
    (
        abs({{ printed }} - coalesce({{ printed }}_computed, 0)) <= {{ tolerance }}
        or coalesce(
            {{ printed }} >= {{ rate_limit(least, "v.denominator", "v.multiplier", "95", side) }} - {{ tolerance }}
            and {{ printed }}
            <= {{ rate_limit(greatest, "v.denominator", "v.multiplier", "95", side) }} + {{ tolerance }},
            false
        )
    )
{%- endmacro %}

{#- The limit that comparisons, trends and gaps use: as published where both sides are printed, else as computed from counts.
    Takes the side and the confidence as Jinja text and the alias of the values, if there is one. -#}
{% macro limit_in_use(side, confidence="95", alias="") -%}
    {%- set prefix = alias ~ "." if alias else "" -%}
    {%- set suffix = "_ci_" ~ confidence | replace(".", "_") -%}
    case
        when {{ prefix }}lower{{ suffix }} is not null and {{ prefix }}upper{{ suffix }} is not null
        then {{ prefix }}{{ side }}{{ suffix }}
        else {{ prefix }}{{ side }}{{ suffix }}_computed
    end
{%- endmacro %}
