{#- QUANTILE by rank, as public health intelligence assigns deprivation categories.

    Takes: rank of the value within its group (ties share the least rank, `rank()`; from the highest value where
    quantile 1 is to hold the highest values), number of values in the group, number of quantiles. Missing values are
    neither ranked nor counted. Returns 1 to the number of quantiles, or NULL where the rank is NULL or the group has
    fewer values than quantiles.
    With rank r of N values and k quantiles: q = floor((k + 1) - ceil((N + 1 - r) / (N / k))).
    Written as (N + 1 - r) k / N, which divides whole numbers once: N / k is seldom exact, so that the form above
    puts some values that lie on a boundary one quantile off (never up to 13 quantiles; first at 14 quantiles of 34
    values).
    Source: R package PHEindicatormethods, as restated in the design notes; OHID public health technical guidance on
    assigning deprivation categories. Equal values that straddle a boundary all go to one side of it. -#}
{% macro quantile_rank(rank, rows, quantiles) -%}
    case
        when {{ rows }} >= {{ quantiles }}
        then cast({{ quantiles }} + 1 - ceil(({{ rows }} + 1 - {{ rank }}) * {{ quantiles }} / {{ rows }}) as integer)
    end
{%- endmacro %}
