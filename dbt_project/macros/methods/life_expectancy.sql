{#- LIFE EXPECTANCY from an abridged life table (Chiang II), with the variance of the last band after Silcocks.

    Takes a relation with one row an age band in the columns `start_age`, `population` (person-years) and `deaths`, the list
    of columns that tell its areas apart (may be empty), and the confidence, '95' or '99.8'. Returns a whole query with those
    columns, `start_age`, `life_expectancy` (further years at that age), `lower_limit`, `upper_limit` and `refusal`, which is
    NULL where all three are given. For all ages of an area, the first that applies:
    `bands_incomplete`: the bands are not 0, 1, 5, 10 ... 90, each once, each with deaths and population.
    `deaths_negative`, `population_not_positive`, `deaths_exceed_population`: so in one band at least.
    `population_too_small`: 5,000 or fewer in all bands together.
    `no_deaths_in_last_band`: its rate is nought, and those who reach it would live for ever.
    For one age: `no_survivors`, where the table has nobody left; `interval_too_wide`, where the 95 % interval, whatever the
    confidence asked for, is more than 20 years wide: then the value is NULL and the limits stand.

    With deaths D and population P of a band n years wide, M = D / P, a = 0.1 in the first band and 0.5 in the others:
        q = n M / (1 + n M (1 - a)), 1 where D >= P / (n a) and in the last band; l_0 = 100000, l' = l (1 - q) of the next
        L = n (l' + a (l - l')), in the last band l / M;   e = sum L from this band on / l, 0 where l = 0
        v = q^2 (1 - q) / D, 0 without deaths, in the last band 4 / (D M^2)
        W = v l^2 ((1 - a) n + e')^2, in the last band v (l / 2)^2;   SE = sqrt(sum W from this band on) / l
        limits e -+ z SE
    Source: Chiang 1968, Silcocks et al. 2001, Eayres and Williams 2004; OHID life expectancy calculator, as restated in the
    design notes on methods.

    Products and sums are taken over lists in the order of age. As window functions they would be added up in a tree whose
    branches depend on the other areas of the relation, and with them the last digit. -#}
{% macro life_expectancy(relation, partition_columns, confidence) -%}
    {%- set keys -%}
    {% for column in partition_columns %}{{ column }}, {% endfor %}
    {%- endset -%}
    {%- set by_age -%}
    {% if partition_columns %}partition by {{ partition_columns | join(", ") }}{% endif %} order by start_age
    {%- endset -%}
    with
        life_table_bands as (
            select
                {{ keys }}
                start_age,
                cast(population as double) as population,
                cast(deaths as double) as deaths,
                lead(start_age) over area - start_age as width,
                case when start_age = 0 then 0.1e0 else 0.5e0 end as share_lived,
                case
                    when
                        list(start_age) over area
                        is distinct from [0, 1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90]
                        or count(population) over area < 20
                        or count(deaths) over area < 20
                    then 'bands_incomplete'
                    when min(deaths) over area < 0
                    then 'deaths_negative'
                    when min(population) over area <= 0
                    then 'population_not_positive'
                    when bool_or(deaths > population) over area
                    then 'deaths_exceed_population'
                    when list_sum(list(population) over area) <= 5000
                    then 'population_too_small'
                    when last_value(deaths) over area = 0
                    then 'no_deaths_in_last_band'
                end as refusal
            from {{ relation }}
            window area as ({{ by_age }} rows between unbounded preceding and unbounded following)
        ),
        life_table_deaths as (
            select
                *,
                deaths / population as rate,
                case
                    when width is null or deaths >= population / width / share_lived
                    then 1
                    else width * deaths / population / (1 + width * deaths / population * (1 - share_lived))
                end as dying
            from life_table_bands
            where refusal is null
        ),
        life_table_survivors as (
            select *, 100000 * coalesce(list_product(list(1 - dying) over younger), 1) as alive
            from life_table_deaths
            window younger as ({{ by_age }} rows between unbounded preceding and 1 preceding)
        ),
        life_table_years as (
            select
                *,
                case
                    when width is null
                    then alive / rate
                    else width * (lead(alive) over by_age + share_lived * (alive - lead(alive) over by_age))
                end as years,
                case
                    when width is null
                    then 4 / (deaths * pow(rate, 2))
                    when deaths = 0
                    then 0
                    else pow(dying, 2) * (1 - dying) / deaths
                end as variance
            from life_table_survivors
            window by_age as ({{ by_age }})
        ),
        life_table_expectancy as (
            select *, coalesce(list_sum(list(years) over onwards) / nullif(alive, 0), 0) as expectancy
            from life_table_years
            window onwards as ({{ by_age }} rows between current row and unbounded following)
        ),
        life_table_spread as (
            select
                *,
                variance * case
                    when width is null
                    then pow(alive / 2, 2)
                    else pow(alive, 2) * pow((1 - share_lived) * width + lead(expectancy) over by_age, 2)
                end as spread
            from life_table_expectancy
            window by_age as ({{ by_age }})
        ),
        life_table_errors as (
            select *, sqrt(list_sum(list(spread) over onwards)) / nullif(alive, 0) as standard_error
            from life_table_spread
            window onwards as ({{ by_age }} rows between current row and unbounded following)
        ),
        life_table_judged as (
            select
                * replace (
                    case
                        when alive = 0
                        then 'no_survivors'
                        when {{ z_of("95") }} * standard_error > 10
                        then 'interval_too_wide'
                    end as refusal
                )
            from life_table_errors
        )
    select
        {{ keys }}
        start_age,
        case when refusal is null then expectancy end as life_expectancy,
        expectancy - {{ z_of(confidence) }} * standard_error as lower_limit,
        expectancy + {{ z_of(confidence) }} * standard_error as upper_limit,
        refusal
    from life_table_judged
    union all
    select {{ keys }} start_age, null, null, null, refusal
    from life_table_bands
    where refusal is not null
{%- endmacro %}
