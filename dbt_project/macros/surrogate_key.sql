{#- Integer key of a natural key: the upper 48 bits of the lower half of its MD5, so that a key is the same in every
    release without a registry, and exact as a double (Excel and some drivers carry integers as doubles).
    Two of 100,000 keys collide with probability 2e-5; the primary key of the table turns a collision into an error.
    Takes a list of SQL expressions; returns a BIGINT from 0 up. -#}
{% macro surrogate_key(expressions) -%}
    cast(
        md5_number_lower(
            concat_ws('|' {%- for e in expressions %}, coalesce(cast({{ e }} as varchar), '') {%- endfor %})
        )
        >> 16 as bigint
    )
{%- endmacro %}
