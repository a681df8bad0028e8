{#- RECENT TREND, as Fingertips computes it.

    Five most recent valid annual points of a series; chi-squared for linear trend with one degree of freedom, significant
    above 9.5495 (z 99.8 % squared), strictly. Proportions use numerator and denominator (`trend_chi_squared_proportion`),
    everything else a regression weighted by the limits (`trend_chi_squared_limits`). The slope is recomputed leaving out
    each point in turn; if the six signs do not agree the trend is `No significant change`.
    Source: OHID public health technical guidance on trend markers and the open Fingertips code, as restated in the design
    notes on methods. Valid for one-year periods only; pooled periods cannot be calculated.

    With counts c, denominators n and time t = 1..5, N = sum n, p = sum c / N:
        chi2 = (sum(c t) - p sum(n t))^2 / (p (1 - p) (sum(n t^2) - (sum(n t))^2 / N))
    which is the published form divided through by N, because N^3 of England exceeds what a double holds exactly. -#}
{% macro trend_threshold() -%} 9.549535706083240 {%- endmacro %}

{% macro trend_chi_squared_proportion(n, c, nt, ct, ntt) -%}
    pow({{ ct }} - {{ c }} / {{ n }} * {{ nt }}, 2)
    / nullif({{ c }} / {{ n }} * (1 - {{ c }} / {{ n }}) * ({{ ntt }} - {{ nt }} * {{ nt }} / {{ n }}), 0)
{%- endmacro %}

{#- With weights w = 1 / se^2, se = width of the 95 % limits / 3.92: b = (Sw Swyt - Swt Swy) / D, D = Sw Swtt - Swt^2,
    chi2 = b^2 D / Sw. -#}
{% macro trend_chi_squared_limits(w, wt, wtt, wy, wyt) -%}
    pow({{ w }} * {{ wyt }} - {{ wt }} * {{ wy }}, 2) / nullif(({{ w }} * {{ wtt }} - {{ wt }} * {{ wt }}) * {{ w }}, 0)
{%- endmacro %}

{#- Sign of a least-squares slope from sums: a zero slope counts as upward. -#}
{% macro slope_is_upward(k, x, t, xt) -%}({{ k }} * {{ xt }} - {{ x }} * {{ t }} >= 0) {%- endmacro %}

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
