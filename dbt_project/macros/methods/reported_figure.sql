{#- REPORTED FIGURES: can a figure that a document states be true, by the document's own numbers?

    Takes SQL expressions. A percentage has `value` (0 to 100), `decimals` as printed, and a `base`: how many people or
    things it is said to be a share of. Checks return `agrees` or `differs` (of a share without a count: `rounded`,
    `truncated` or `unattainable`), and NULL where there is nothing to decide.
    A figure that passes is possible, not true; a figure that fails is wrong, or is not a share of what it is said to be.
    Source: the integer test for percentages (Brown and Heathers' test of means, applied to counts), and plain
    arithmetic; our own code. A hair of 1e-9 keeps binary fractions from deciding at the edge of a rounding step.

    How far rounding alone can move a printed number: half a unit of its last decimal. -#}
{% macro printed_half_unit(decimals) -%} (0.5 / pow(10, {{ decimals }})) {%- endmacro %}

{#- The smallest and the largest whole count whose share of the base rounds to the percentage; the smallest is above the
    largest when there is none. Halves may be rounded either way. -#}
{% macro least_count(value, decimals, base) -%}
    greatest(0, cast(ceil(({{ value }} - {{ printed_half_unit(decimals) }}) / 100.0 * {{ base }} - 1e-9) as bigint))
{%- endmacro %}

{% macro greatest_count(value, decimals, base) -%}
    least(
        cast({{ base }} as bigint),
        cast(floor(({{ value }} + {{ printed_half_unit(decimals) }}) / 100.0 * {{ base }} + 1e-9) as bigint)
    )
{%- endmacro %}

{#- ATTAINABLE: is there a whole count that gives the percentage? `rounded` when one does, `truncated` when one does only
    if further decimals were cut off, else `unattainable`. NULL where the base decides nothing: it is not a whole number
    (or only about known: pass NULL), it is so large that every percentage with this many decimals can be made from it
    (100 steps, 1,000 with one decimal and so on), or the percentage is 0 or 100. -#}
{% macro share_attainable(value, decimals, base) -%}
    case
        when {{ value }} is null or {{ decimals }} is null or {{ base }} is null or {{ base }} < 1
        then null
        when {{ base }} <> floor({{ base }}) or {{ base }} >= 100 * pow(10, {{ decimals }})
        then null
        when {{ value }} <= 0 or {{ value }} >= 100
        then null
        when {{ least_count(value, decimals, base) }} <= {{ greatest_count(value, decimals, base) }}
        then 'rounded'
        when
            ceil({{ value }} / 100.0 * {{ base }} - 1e-9)
            < ({{ value }} + 2 * {{ printed_half_unit(decimals) }}) / 100.0 * {{ base }} - 1e-9
        then 'truncated'
        else 'unattainable'
    end
{%- endmacro %}

{#- COUNT: is the stated count over the base the percentage, to its decimals? A base that is only `about` known may be off
    by 1 %. -#}
{% macro share_of_count(value, decimals, count, base, base_bound) -%}
    case
        when
            {{ value }} is null
            or {{ decimals }} is null
            or {{ count }} is null
            or {{ base }} is null
            or {{ base }} <= 0
        then null
        when
            abs(100.0 * {{ count }} / {{ base }} - {{ value }})
            <= {{ printed_half_unit(decimals) }}
            + 1e-9
            + case when {{ base_bound }} = 'about' then {{ count }} / {{ base }} else 0 end
        then 'agrees'
        else 'differs'
    end
{%- endmacro %}

{#- PARTS: do the parts add up to their whole? The tolerance is 0 for counts, and for percentages the sum of the half
    units to which the parts are printed. -#}
{% macro parts_of_whole(total, whole, tolerance) -%}
    case
        when {{ total }} is null or {{ whole }} is null
        then null
        when abs({{ total }} - {{ whole }}) <= {{ tolerance }} + 1e-9
        then 'agrees'
        else 'differs'
    end
{%- endmacro %}

{#- LIST: are as many things listed as the document says there are? `about` decides nothing. -#}
{% macro number_listed(value, value_bound, listed) -%}
    case
        when {{ value }} is null or {{ listed }} is null or {{ value_bound }} = 'about'
        then null
        when {{ value_bound }} = 'at_least'
        then case when {{ listed }} >= {{ value }} then 'agrees' else 'differs' end
        when {{ value_bound }} = 'at_most'
        then case when {{ listed }} <= {{ value }} then 'agrees' else 'differs' end
        when {{ listed }} = {{ value }}
        then 'agrees'
        else 'differs'
    end
{%- endmacro %}

{#- RANGE: `differs` when the figure cannot be one of its unit: a percentage outside 0 to 100, a ratio that is not above
    0, a rank below 1 or beyond the number of the ranked, anything but a difference below 0. Within the range it says
    nothing, hence NULL. -#}
{% macro value_out_of_range(value, unit, base) -%}
    case
        when {{ unit }} = '%' and ({{ value }} < 0 or {{ value }} > 100)
        then 'differs'
        when {{ unit }} = 'ratio' and {{ value }} <= 0
        then 'differs'
        when {{ unit }} = 'rank' and ({{ value }} < 1 or {{ value }} > {{ base }})
        then 'differs'
        when {{ unit }} <> 'percentage points' and {{ value }} < 0
        then 'differs'
    end
{%- endmacro %}

{#- SMALL NUMBERS: how many people the figure stands for. The stated count; else the smallest count that fits the
    percentage, and the nearest one where none does (a percentage above 0 stands for somebody). -#}
{% macro people_meant(value, decimals, unit, count, base, base_unit) -%}
    case
        when {{ unit }} = 'people'
        then cast({{ value }} as bigint)
        when {{ unit }} = '%' and {{ base_unit }} = 'people' and {{ value }} is not null and {{ base }} > 0
        then
            coalesce(
                cast({{ count }} as bigint),
                case
                    when
                        {{ decimals }} is not null
                        and {{ least_count(value, decimals, base) }} <= {{ greatest_count(value, decimals, base) }}
                    then {{ least_count(value, decimals, base) }}
                end,
                greatest(
                    cast(round({{ value }} / 100.0 * {{ base }}) as bigint), case when {{ value }} > 0 then 1 else 0 end
                )
            )
    end
{%- endmacro %}

{#- Disclosive: 1 to 4 people, or a share of a group so small (below `disclosure_minimum`) that every percentage of it,
    0 included, speaks of individuals. -#}
{% macro is_disclosive(people, unit, base, base_unit) -%}
    cast(
        coalesce({{ people }} > 0 and {{ people }} < 5, false)
        or coalesce(
            {{ unit }} = '%' and {{ base_unit }} = 'people' and {{ base }} < {{ var("disclosure_minimum") }}, false
        ) as smallint
    )
{%- endmacro %}

{#- VERDICT: the most severe of what was found, in this order.
    `inconsistent`: arithmetic on the document's own numbers fails. `disclosive`: it may not be shown. `disputed`: a person
    found it wrong or mislabelled, by evidence outside the arithmetic. `consistent`: at least one check could fail and
    passed. `no_value`: the document gives no number. `not_checkable`: nothing to check against.
    Takes booleans; a disclosive figure is withheld whatever the verdict. -#}
{% macro figure_verdict(value, any_differs, disclosive, has_finding, any_agrees) -%}
    case
        when {{ any_differs }}
        then 'inconsistent'
        when {{ disclosive }}
        then 'disclosive'
        when {{ has_finding }}
        then 'disputed'
        when {{ any_agrees }}
        then 'consistent'
        when {{ value }} is null
        then 'no_value'
        else 'not_checkable'
    end
{%- endmacro %}

{#- WORDS: the arithmetic as one reads it. Shares are shown with two decimals, or with more if more are printed.

    A count and its share of a base: `26 are 19.55%`. -#}
{% macro count_in_words(count, decimals, base) -%}
    format('{:,}', cast({{ count }} as bigint))
    || ' are '
    || {{ with_unit("(100.0 * " ~ count ~ " / " ~ base ~ ")", "'%'", "greatest(" ~ decimals ~ ", 2)") }}
{%- endmacro %}

{#- The test of a percentage against its base: `19.62% of 133: 26 are 19.55%, 27 are 20.30%`. NULL where it decides
    nothing. -#}
{% macro attainable_in_words(value, decimals, base) -%}
    {{ with_unit(value, "'%'", decimals) }}
    || ' of '
    || format('{:,}', cast({{ base }} as bigint))
    || ': '
    || case
        {{ share_attainable(value, decimals, base) }}
        when 'rounded'
        then
            case
                when {{ least_count(value, decimals, base) }} < {{ greatest_count(value, decimals, base) }}
                then format('{:,} to ', {{ least_count(value, decimals, base) }})
                else ''
            end
            || {{ count_in_words(greatest_count(value, decimals, base), decimals, base) }}
        when 'truncated'
        then
            {{ count_in_words("ceil(" ~ value ~ " / 100.0 * " ~ base ~ " - 1e-9)", decimals ~ " + 1", base) }}
            || ', cut off and not rounded'
        when 'unattainable'
        then
            {{ count_in_words("floor(" ~ value ~ " / 100.0 * " ~ base ~ ")", decimals, base) }}
            || ', '
            || {{ count_in_words("(floor(" ~ value ~ " / 100.0 * " ~ base ~ ") + 1)", decimals, base) }}
    end
{%- endmacro %}

{#- The test of a percentage against a count: `32,744 of 226,578 are 14.45%, printed 14.5%`; where it fails also the bases
    with which it would not. -#}
{% macro share_of_count_in_words(value, decimals, count, base, base_bound) -%}
    case
        when {{ share_of_count(value, decimals, count, base, base_bound) }} is not null
        then
            format(
                '{:,} of {}{:,} are ',
                cast({{ count }} as bigint),
                case when {{ base_bound }} = 'about' then 'about ' else '' end,
                cast({{ base }} as bigint)
            )
            || {{ with_unit("(100.0 * " ~ count ~ " / " ~ base ~ ")", "'%'", "greatest(" ~ decimals ~ ", 2)") }}
            || ', printed '
            || {{ with_unit(value, "'%'", decimals) }}
            || case
                when
                    {{ share_of_count(value, decimals, count, base, base_bound) }} = 'differs'
                    and {{ value }} > {{ printed_half_unit(decimals) }}
                then
                    format(
                        ', which needs a base from {:,} to {:,}',
                        cast(ceil(100.0 * {{ count }} / ({{ value }} + {{ printed_half_unit(decimals) }})) as bigint),
                        cast(floor(100.0 * {{ count }} / ({{ value }} - {{ printed_half_unit(decimals) }})) as bigint)
                    )
                else ''
            end
    end
{%- endmacro %}
