-- Standardised rates and ratios and life expectancies from events and populations by age band, as the seed
-- `age_standardisations` asks for them; one row per standardisation, area, period and sex, with a value or with the
-- reason why there is none. Areas are the published ones and the footprints, whose bands are summed before anything is
-- standardised: a rate of the sums, never an average of rates.
--
-- A rate and a life expectancy pick the bands that they are made of and leave others aside; a ratio takes every age
-- that is published except `All ages`. Together they have to cover every age from birth on, each once.
{% set key_columns = [
    "standardisation_id",
    "area_code",
    "area_type",
    "period_type",
    "period_start",
    "period_end",
    "sex",
] %}
{% set peer = ["standardisation_id", "period_type", "period_start", "period_end", "sex", "age"] %}
with
    bands as (
        select
            {{
                surrogate_key(
                    [
                        "s.standardisation_id",
                        "v.area_code",
                        "v.area_type",
                        "v.period_type",
                        "v.period_start",
                        "v.period_end",
                        "v.sex",
                    ]
                )
            }} as standardised_value_key,
            s.standardisation_id,
            s.method,
            case
                when s.method = 'indirectly_standardised_ratio' then coalesce(s.reference_area_code, 'E92000001')
            end as reference_area_code,
            s.multiplier,
            v.indicator_id,
            v.area_code,
            v.area_type,
            v.period_type,
            v.period_start,
            v.period_end,
            v.sex,
            v.age,
            v.is_footprint_value,
            a.age_from,
            a.age_to,
            v.count,
            v.denominator,
            coalesce(
                case
                    when s.method = 'indirectly_standardised_ratio'
                    then not (a.age_from = 0 and a.age_to is null)
                    -- The first year, and the four after it.
                    when s.method = 'life_expectancy' and a.age_from < 5
                    then a.age_from in (0, 1) and a.age_to = 4 * a.age_from
                    else
                        {{ esp2013_weight("a.age_from") }} is not null
                        and a.age_to is not distinct from case when a.age_from < 90 then a.age_from + 4 end
                end,
                false
            ) as is_needed,
            case
                when
                    v.value_status_code = 'suppressed'
                    or v.count is null
                    or v.denominator is null
                    -- Of deaths the life table says so itself.
                    or (v.count < 0 and s.method <> 'life_expectancy')
                then 'count_suppressed_or_missing'
                when v.is_count_numerator = 0
                then 'count_is_not_numerator'
                when v.value_basis_code in ('larger_area_applied', 'county_value_applied', 'combined_areas')
                then 'counts_of_another_area'
            end as band_reason
        from {{ ref("age_standardisations") }} as s
        inner join {{ ref("int_indicator_values__valued") }} as v on s.events_indicator_id = v.indicator_id
        left join {{ ref("ages") }} as a on v.age = a.age
        where v.category_type = 'Total'
    ),

    -- Also where no band is of use.
    areas as (
        select
            standardised_value_key,
            method,
            reference_area_code,
            multiplier,
            indicator_id,
            {% for column in key_columns %} {{ column }}, {% endfor %}
            max(is_footprint_value) as is_added_up
        from bands
        group by all
    ),

    -- A code shared by two types of areas stands for the one that is in force as a parent.
    reference_bands as (
        select
            {% for column in peer %} {{ column }}, {% endfor %}
            case when band_reason is null then count end as reference_count,
            denominator as reference_population
        from bands
        where area_code = reference_area_code
        qualify
            row_number() over (
                partition by {{ peer | join(", ") }} order by area_type in ('icb', 'sub_icb_location') desc, area_type
            )
            = 1
    ),

    needed as (
        select b.*, {{ esp2013_weight("b.age_from") }} as weight, r.reference_count, r.reference_population
        from bands as b
        left join
            reference_bands as r
            {% for column in peer %} {{ "on" if loop.first else "and" }} b.{{ column }} = r.{{ column }} {% endfor %}
        where b.is_needed
    ),

    summed as (
        select
            standardised_value_key,
            multiplier,
            cast(count(*) as integer) as bands,
            max(is_footprint_value) as is_added_up,
            -- Bands of the publisher beside bands added up here may count different people.
            min(is_footprint_value) = max(is_footprint_value)
            and list_append(list(age_from order by age_from, age_to), null)
            is not distinct from list_prepend(0, list(age_to + 1 order by age_from, age_to)) as is_complete,
            min(band_reason) as band_reason,
            min(denominator) as smallest_population,
            {{ complete_sum("count", "age_from") }} as events,
            {{ complete_sum("denominator", "age_from") }} as population,
            {{ dsr_value("count", "denominator", "weight", "multiplier", "age_from") }} as rate,
            {{ dsr_variance("count", "denominator", "weight", "age_from") }} as rate_variance,
            {{ isr_expected("denominator", "reference_count", "reference_population", "age_from") }} as expected_events
        from needed
        group by standardised_value_key, multiplier
    ),

    reasoned as (
        select
            a.* exclude (is_added_up),
            coalesce(s.is_added_up, a.is_added_up) as is_added_up,
            coalesce(s.bands, 0) as bands,
            case when s.is_complete and s.band_reason is null then s.events end as events,
            case when s.is_complete and s.band_reason is null then s.population end as population,
            case
                when a.method = 'indirectly_standardised_ratio' and s.is_complete and s.band_reason is null
                then s.expected_events
            end as expected_events,
            s.rate,
            s.rate_variance,
            case
                when s.is_complete is distinct from true
                then 'bands_incomplete'
                when s.band_reason is not null
                then s.band_reason
                when a.method = 'directly_standardised_rate' and s.smallest_population <= 0
                then 'population_not_positive'
                when a.method = 'directly_standardised_rate' and not {{ dsr_is_reliable("s.events") }}
                then 'fewer_than_ten_events'
                when a.method = 'indirectly_standardised_ratio' and s.smallest_population < 0
                then 'population_not_positive'
                when a.method = 'indirectly_standardised_ratio' and (s.expected_events > 0) is distinct from true
                then 'no_reference_value'
            end as reason
        from areas as a
        left join summed as s on a.standardised_value_key = s.standardised_value_key
    ),

    life_bands as (
        select n.standardised_value_key, n.age_from as start_age, n.denominator as population, n.count as deaths
        from needed as n
        inner join reasoned as r on n.standardised_value_key = r.standardised_value_key
        where n.method = 'life_expectancy' and r.reason is null
    ),

    {% for confidence in ["95", "99.8"] %}
        lives_{{ confidence | replace(".", "_") }} as (
            select *
            from ({{ life_expectancy("life_bands", ["standardised_value_key"], confidence) }})
            where start_age = 0
        ),
    {% endfor %}

    limited as (
        select
            r.* exclude (reason),
            coalesce(r.reason, l.refusal) as not_standardised_reason,
            case
                r.method
                when 'directly_standardised_rate'
                then r.rate
                when 'indirectly_standardised_ratio'
                then {{ isr_ratio("r.events", "r.expected_events", "r.multiplier") }}
                else l.life_expectancy
            end as value,
            {% for confidence, lives in [("95", "l"), ("99.8", "w")] %}
                {% for side in ["lower", "upper"] %}
                    case
                        r.method
                        when 'directly_standardised_rate'
                        then {{ dsr_limit("r.rate", "r.rate_variance", "r.events", "r.multiplier", confidence, side) }}
                        when 'indirectly_standardised_ratio'
                        then {{ isr_limit("r.events", "r.expected_events", "r.multiplier", confidence, side) }}
                        else {{ lives }}.{{ side }}_limit
                    end as {{ side }}_ci_{{ confidence | replace(".", "_") }},
                {% endfor %}
            {% endfor %}
        from reasoned as r
        left join lives_95 as l on r.standardised_value_key = l.standardised_value_key
        left join lives_99_8 as w on r.standardised_value_key = w.standardised_value_key
    )

select
    standardised_value_key,
    {% for column in key_columns %} {{ column }}, {% endfor %}
    method,
    indicator_id,
    reference_area_code,
    multiplier,
    case when not_standardised_reason is null then value end as value,
    lower_ci_95,
    upper_ci_95,
    lower_ci_99_8,
    upper_ci_99_8,
    events,
    population,
    expected_events,
    bands,
    cast(is_added_up as smallint) as is_added_up,
    not_standardised_reason
from limited
