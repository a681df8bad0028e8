-- One row per indicator, area, period and group, published or added up here, with what it is compared with beside it:
-- England, its region and the parent that the extract names, of the same period, sex and age and without a category.
--
-- Comparators are looked up, not windowed: they are few (one to two hundred areas), so that each look-up reads the
-- table of values once against a small hash table. Inequality rows are compared with the total, as Fingertips does.
-- Limits as published are used where both are printed; where none is, the ones that the counts give.
-- A view: the facts are the one place where every column is wanted; the other models read a few of them.
{{ config(materialized="view") }}
with
    -- A code shared by two types of areas (E38, E54) stands for the one that is in force as a parent.
    comparators as (
        select
            indicator_id,
            period_type,
            period_start,
            period_end,
            sex,
            age,
            area_code,
            value,
            {{ limit_in_use("lower") }} as lower_95,
            {{ limit_in_use("upper") }} as upper_95,
            value_key
        from {{ ref("int_indicator_values__measured") }}
        where
            category_type = 'Total'
            and area_code in (
                select 'E92000001'
                union
                select region_code
                from {{ ref("areas") }}
                where region_code is not null
                union
                select parent_code
                from {{ ref("int_indicator_values__deduplicated") }}
                where parent_code is not null
            )
        qualify
            row_number() over (
                partition by indicator_id, period_type, period_start, period_end, sex, age, area_code
                order by area_type in ('icb', 'sub_icb_location') desc, area_type
            )
            = 1
    ),

    beside as (
        select
            v.*,
            {% for confidence in ["95", "99.8"] %}
                {% for side in ["lower", "upper"] %}
                    {{ limit_in_use(side, confidence, "v") }} as {{ side }}_{{ confidence | replace(".", "_") }},
                {% endfor %}
            {% endfor %}
            england.value as england_value,
            england.value_key as england_value_key,
            case when v.area_code <> 'E92000001' or v.category_type <> 'Total' then england.value end as england,
            england.lower_95 as england_lower_95,
            england.upper_95 as england_upper_95,
            region.value as region_value,
            region.lower_95 as region_lower_95,
            region.upper_95 as region_upper_95,
            -- A parent that is England is the column before.
            case when v.parent_code <> 'E92000001' then parent.value end as parent_value,
            parent.lower_95 as parent_lower_95,
            parent.upper_95 as parent_upper_95,
            r.outcome as rank_outcome,
            r.value_key is not null as is_ranked,
            g.goal_id,
            g.goal_type,
            g.lower_bound as goal_lower_bound,
            g.upper_bound as goal_upper_bound,
            g.count_of_values as goal_count_of_values
        from {{ ref("int_indicator_values__valued") }} as v
        {% for alias, condition in [
                ("england", "'E92000001' = england.area_code"),
                ("region", "v.region_code = region.area_code and v.area_code <> v.region_code"),
                ("parent", "v.parent_code = parent.area_code and v.area_code <> v.parent_code"),
            ] %}
            left join
                comparators as {{ alias }}
                on v.indicator_id = {{ alias }}.indicator_id
                and v.period_type = {{ alias }}.period_type
                and v.period_start = {{ alias }}.period_start
                and v.period_end = {{ alias }}.period_end
                and v.sex = {{ alias }}.sex
                and v.age = {{ alias }}.age
                and {{ condition }}
        {% endfor %}
        left join {{ ref("int_peer_values__ranked") }} as r on v.value_key = r.value_key
        left join
            {{ ref("int_indicator_goals__bound") }} as g
            on v.indicator_id = g.indicator_id
            and v.period_type = g.period_type
            and v.period_start = g.period_start
            and v.period_end = g.period_end
            and v.sex = g.sex
            and v.age = g.age
    ),

    compared as (
        select
            *,
            coalesce(
                rank_outcome, {{ outcome_by_declared_method("england", "england_lower_95", "england_upper_95") }}
            ) as england_outcome,
            {{ outcome_by_declared_method("region_value", "region_lower_95", "region_upper_95") }} as region_outcome,
            {{ outcome_by_declared_method("parent_value", "parent_lower_95", "parent_upper_95") }} as parent_outcome
        from beside
    )

select
    * exclude (
        england,
        england_lower_95,
        england_upper_95,
        region_lower_95,
        region_upper_95,
        parent_lower_95,
        parent_upper_95,
        lower_95,
        upper_95,
        lower_99_8,
        upper_99_8,
        rank_outcome,
        is_ranked,
        england_outcome,
        region_outcome,
        parent_outcome,
        goal_type,
        goal_lower_bound,
        goal_upper_bound,
        goal_count_of_values
    ),
    {{ label_by_declared_method("england_outcome", "polarity") }} as compared_to_england_computed,
    {{ label_by_declared_method("region_outcome", "polarity") }} as compared_to_region_computed,
    {{ label_by_declared_method("parent_outcome", "polarity") }} as compared_to_parent_computed,
    case
        when area_code = 'E92000001' and category_type = 'Total'
        then 'is_the_comparator'
        when england_outcome is null and is_ranked
        then 'too_few_peers'
        else {{ not_compared_reason("england_outcome", "england") }}
    end as not_compared_to_england_reason,
    case
        when england_outcome is null or comparator_method = 'spc_proportions' or rank_outcome is not null
        then null
        when comparator_confidence = '99.8'
        then case when lower_ci_99_8 is not null and upper_ci_99_8 is not null then 'published' else 'computed' end
        when lower_ci_95 is not null and upper_ci_95 is not null
        then 'published'
        else 'computed'
    end as comparison_limits,
    case
        when goal_id is not null
        then
            {{
                goal_label(
                    goal_outcome(
                        "goal_type",
                        "value",
                        "lower_95",
                        "upper_95",
                        "goal_lower_bound",
                        "goal_upper_bound",
                        "goal_count_of_values",
                        "polarity",
                    )
                )
            }}
    end as compared_to_goal_computed
from compared
