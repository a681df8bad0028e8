{% macro quantile_rank(rank, rows, quantiles) -%}
    case
        when {{ rows }} >= {{ quantiles }}
        then cast({{ quantiles }} + 1 - ceil(({{ rows }} + 1 - {{ rank }}) * {{ quantiles }} / {{ rows }}) as integer)
    end
{%- endmacro %}
