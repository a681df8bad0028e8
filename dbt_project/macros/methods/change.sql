{#- CHANGE since baseline.

    Takes: value and limits now, value and limits at baseline, target (may be NULL), sign (+1 wants more, -1 less).
    Returns `improving`, `no_detectable_change`, `getting_worse`; NULL when either value is NULL.
    With 95 % limits on both: one-sided normal test at 0.05 on unrounded values, z = s(x - b) / sqrt(se_x^2 + se_b^2),
    se = width / 3.92; it takes the two points as independent, so overlapping pooled periods are flagged by the caller.
    Without limits: 10 % rule. Toward the target, 10 % of the distance from baseline to target (10 % of the baseline when
    there is no distance); away from it, 10 % of the baseline.
    Source: Healthy People 2020 progress categories (CDC/NCHS), as restated in the design notes. -#}
{% macro change_z_score(value, lower, upper, baseline, baseline_lower, baseline_upper, sign) -%}
    {{ sign }}
    * ({{ value }} - {{ baseline }})
    / nullif(
        sqrt(pow(({{ upper }} - {{ lower }}) / 3.92, 2) + pow(({{ baseline_upper }} - {{ baseline_lower }}) / 3.92, 2)),
        0
    )
{%- endmacro %}

{% macro change_since_baseline(value, lower, upper, baseline, baseline_lower, baseline_upper, target, sign) -%}
    {%- set z -%}{{ change_z_score(value, lower, upper, baseline, baseline_lower, baseline_upper, sign) }}{%- endset -%}
    {%- set moved -%}({{ sign }} * ({{ value }} - {{ baseline }})){%- endset -%}
    {%- set distance -%}({{ sign }} * ({{ target }} - {{ baseline }})){%- endset -%}
    {%- set share -%}{{ var("change_fallback_percent") }} / 100.0{%- endset -%}
    case
        when {{ value }} is null or {{ baseline }} is null
        then null
        when {{ z }} is not null
        then
            case
                when {{ z }} > {{ var("change_z") }}
                then 'improving'
                when {{ z }} < -{{ var("change_z") }}
                then 'getting_worse'
                else 'no_detectable_change'
            end
        when
            {{ moved }} > 0
            and {{ moved }}
            >= {{ share }} * case when coalesce({{ distance }}, 0) > 0 then {{ distance }} else abs({{ baseline }}) end
        then 'improving'
        when {{ moved }} < 0 and abs({{ moved }}) >= {{ share }} * abs({{ baseline }})
        then 'getting_worse'
        else 'no_detectable_change'
    end
{%- endmacro %}
