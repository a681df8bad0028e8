{#- RECENT TREND, as Fingertips computes it.

    The five newest valid points of one year each in a series, at t = 1..5; chi-squared for linear trend with one degree of
    freedom, significant above 9.5495 (z of 99.8 % squared), strictly. Proportions use numerator and denominator
    (`trend_chi_squared_proportion`), everything else a regression weighted by the 95 % limits (`trend_chi_squared_limits`).
    The slope is found again without each point in turn; if one of these turns round the trend is `No significant change`
    (a slope of exactly nought does not turn). Value types that have a trend: see `has_trend`.
    Source: OHID public health technical guidance on trend markers and the open Fingertips code, as restated in the design
    notes on methods. Not valid for pooled or part-year periods, where points overlap or seasons speak.

    The macros take the stems of columns that end in the number of the point: c for c1..c5. Sums are written out from the
    oldest point to the newest, so that no order of rows changes the last bit. -#}
{% macro trend_threshold() -%} 9.549535706083240 {%- endmacro %}

{#- Kinds of value that have a trend. Counts grow with the area, and scores and indirectly standardised ratios are printed as
    `Cannot be calculated` in every extract, whatever their limits. -#}
{% macro has_trend(value_type) -%}
    {{ value_type }}
    in ('proportion', 'crude_rate', 'directly_standardised_rate', 'life_expectancy', 'slope_index_of_inequality')
{%- endmacro %}

{#- Sum over points of a product of stems; a stem `t` is the number of the point, `1` is one. -#}
{% macro sum_over_points(stems, points) -%}
    (
        {%- for i in points -%}
            {%- for stem in stems -%}
                {%- if stem == "t" -%}{{ i }}
                {%- elif stem == "1" -%}1
                {%- else -%}{{ stem }}{{ i }}
                {%- endif -%}
                {{- " * " if not loop.last -}}
            {%- endfor -%}
            {{- " + " if not loop.last -}}
        {%- endfor -%}
    )
{%- endmacro %}

{#- Numerators c and denominators n; with N = sum n and p = sum c / N:
        chi2 = (sum(c t) - p sum(n t))^2 / (p (1 - p) (sum(n t^2) - (sum(n t))^2 / N))
    which is the published form divided through by N, because N^3 of England exceeds what a double holds exactly. -#}
{% macro trend_chi_squared_proportion(n, c) -%}
    {%- set points = range(1, 6) -%}
    {%- set sn = sum_over_points([n], points) -%}
    {%- set snt = sum_over_points([n, "t"], points) -%}
    {%- set share -%}({{ sum_over_points([c], points) }} / {{ sn }}){%- endset -%}
    pow({{ sum_over_points([c, "t"], points) }} - {{ share }} * {{ snt }}, 2) / nullif(
        {{ share }}
        * (1 - {{ share }})
        * ({{ sum_over_points([n, "t", "t"], points) }} - {{ snt }} * {{ snt }} / {{ sn }}),
        0
    )
{%- endmacro %}

{#- Values y and weights w = 1 / se^2, se = width of the 95 % limits / 3.92: b = (Sw Swyt - Swt Swy) / D,
    D = Sw Swtt - Swt^2, chi2 = b^2 D / Sw. -#}
{% macro trend_chi_squared_limits(w, y) -%}
    {%- set points = range(1, 6) -%}
    {%- set sw = sum_over_points([w], points) -%}
    {%- set swt = sum_over_points([w, "t"], points) -%}
    pow({{ sw }} * {{ sum_over_points([w, y, "t"], points) }} - {{ swt }} * {{ sum_over_points([w, y], points) }}, 2)
    / nullif(({{ sw }} * {{ sum_over_points([w, "t", "t"], points) }} - {{ swt }} * {{ swt }}) * {{ sw }}, 0)
{%- endmacro %}

{#- Direction of the slope of y (or of the logit) on t, with weights w (`1` for none): 1 upward, -1 downward, 0 flat. -#}
{% macro slope_sign(w, y, points) -%}
    sign(
        {{ sum_over_points([w], points) }} * {{ sum_over_points([w, y, "t"], points) }}
        - {{ sum_over_points([w, y], points) }} * {{ sum_over_points([w, "t"], points) }}
    )
{%- endmacro %}

{% macro trend_label(is_significant, is_upward, polarity) -%}
    case
        when not {{ is_significant }}
        then 'No significant change'
        when {{ is_upward }}
        then
            case
                {{ polarity }}
                when 'high_is_good'
                then 'Increasing and getting better'
                when 'low_is_good'
                then 'Increasing and getting worse'
                else 'Increasing'
            end
        else
            case
                {{ polarity }}
                when 'high_is_good'
                then 'Decreasing and getting worse'
                when 'low_is_good'
                then 'Decreasing and getting better'
                else 'Decreasing'
            end
    end
{%- endmacro %}
