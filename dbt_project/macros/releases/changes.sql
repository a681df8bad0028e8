{#- WHAT CHANGED BETWEEN TWO RELEASES, as SELECT statements over two sets of snapshots (snapshots.sql). -#}
{% macro differs(old, new) -%}
    (
        ({{ old }} is null) <> ({{ new }} is null)
        or coalesce(abs({{ new }} - {{ old }}) > 1e-9 * greatest(abs({{ old }}), abs({{ new }}), 1e-12), false)
    )
{%- endmacro %}

{#- Changed by more than a twentieth of the old value; any change of nought is more than that. -#}
{% macro beyond_5_percent(old, new) -%}
    coalesce(abs({{ new }} - {{ old }}) > 0.05 * abs({{ old }}) * (1 + 1e-9) + 1e-12, false)
{%- endmacro %}

{#- One row per value that is not as it was: every column of the key, old and new figures, kind, cause and reason.
    Nothing when `old` is empty: a first release revises nothing.

    Kind: revised, revised_limits (limits, count or denominator only), suppressed_now, no_longer_suppressed, value_gone,
    value_found, status_changed, withdrawn (the row is gone), late_addition (a new row for a period that the indicator
    already had), and, as news and not revisions, new_period and new_indicator.

    Cause. new_release: the row comes from a release of the source that the old release did not have (for a row that is
    gone: the source has such a release). Otherwise the same raw release gives another figure, and the evidence is looked
    at in this order: file_replaced (the bytes of the file differ), release_withdrawn (the release is no longer read),
    correction (the correction on record differs), declaration (the load has another id, so the declaration of the source
    was changed), rules (the load is the same, so the register or the code was changed). With new and old releases in one
    load the last two cannot be told apart, and rules is said.
    Scheduled: the cause is new_release, unless the passport of the release says otherwise. -#}
{% macro value_changes(old, new, announced) %}
    {% set key = [
        "indicator_id",
        "area_code",
        "area_type",
        "period_type",
        "period_start",
        "period_end",
        "sex",
        "age",
        "category_type",
        "category",
    ] %}
    with
        releases_before as (select distinct source_id, source_release from {{ old }}),

        releases_now as (select distinct source_id, source_release from {{ new }}),

        new_releases as (
            select n.source_id, n.source_release, a.revision_kind, a.revision_reason
            from releases_now as n
            anti join releases_before as b on n.source_id = b.source_id and n.source_release = b.source_release
            left join {{ announced }} as a on n.source_id = a.source_id and n.source_release = a.source_release
        ),

        sources_now as (
            select
                n.source_id, n.load_id, r.source_id is not null as has_new_release, r.revision_kind, r.revision_reason
            from (select source_id, max(load_id) as load_id from {{ new }} group by source_id) as n
            left join
                (
                    select
                        source_id,
                        max(revision_kind) as revision_kind,
                        string_agg(revision_reason, '; ' order by source_release) as revision_reason
                    from new_releases
                    group by source_id
                ) as r
                on n.source_id = r.source_id
        ),

        latest_before as (
            select indicator_id, period_type, max(period_end) as period_end
            from {{ old }}
            group by indicator_id, period_type
        ),

        known_indicators as (select distinct indicator_id from {{ old }}),

        joined as (
            select
                coalesce(n.source_id, o.source_id) as source_id,
                {% for column in key %} coalesce(n.{{ column }}, o.{{ column }}) as {{ column }}, {% endfor %}
                coalesce(n.indicator_name, o.indicator_name) as indicator_name,
                coalesce(n.unit, o.unit) as unit,
                coalesce(n.decimal_places, o.decimal_places) as decimal_places,
                coalesce(n.area_name, o.area_name) as area_name,
                coalesce(n.period_label, o.period_label) as period_label,
                coalesce(n.period_sort, o.period_sort) as period_sort,
                o.indicator_id is not null as was_there,
                n.indicator_id is not null as is_there,
                {% for column in [
                    "value",
                    "lower_ci_95",
                    "upper_ci_95",
                    "count",
                    "denominator",
                    "value_status_code",
                    "correction_id",
                    "source_release",
                    "source_file_sha256",
                    "load_id",
                ] %}
                    o.{{ column }} as old_{{ column }}, n.{{ column }} as new_{{ column }}{{ "," if not loop.last }}
                {% endfor %}
            from {{ old }} as o
            full outer join
                {{ new }} as n
                on {% for column in key %} o.{{ column }} = n.{{ column }}{{ " and" if not loop.last }} {% endfor %}
            where exists (select 1 from {{ old }})
        ),

        kinds as (
            select
                j.*,
                case
                    when j.was_there and not j.is_there
                    then 'withdrawn'
                    when not j.was_there and k.indicator_id is null
                    then 'new_indicator'
                    when not j.was_there and (l.period_end is null or j.period_end > l.period_end)
                    then 'new_period'
                    when not j.was_there
                    then 'late_addition'
                    when j.old_value is not null and j.new_value is null
                    then case when j.new_value_status_code = 'suppressed' then 'suppressed_now' else 'value_gone' end
                    when j.old_value is null and j.new_value is not null
                    then
                        case
                            when j.old_value_status_code = 'suppressed' then 'no_longer_suppressed' else 'value_found'
                        end
                    when {{ differs("j.old_value", "j.new_value") }}
                    then 'revised'
                    when
                        {{ differs("j.old_lower_ci_95", "j.new_lower_ci_95") }}
                        or {{ differs("j.old_upper_ci_95", "j.new_upper_ci_95") }}
                        or {{ differs("j.old_count", "j.new_count") }}
                        or {{ differs("j.old_denominator", "j.new_denominator") }}
                    then 'revised_limits'
                    when j.old_value_status_code is distinct from j.new_value_status_code
                    then
                        case
                            when j.new_value_status_code = 'suppressed'
                            then 'suppressed_now'
                            when j.old_value_status_code = 'suppressed'
                            then 'no_longer_suppressed'
                            else 'status_changed'
                        end
                end as revision_kind
            from joined as j
            left join known_indicators as k on j.indicator_id = k.indicator_id
            left join latest_before as l on j.indicator_id = l.indicator_id and j.period_type = l.period_type
        ),

        causes as (
            select
                k.*,
                case
                    when k.is_there and n.source_id is not null
                    then 'new_release'
                    when not k.is_there and coalesce(s.has_new_release, false)
                    then 'new_release'
                    when not k.is_there and s.source_id is null
                    then 'source_withdrawn'
                    when
                        k.was_there
                        and k.is_there
                        and k.old_source_release = k.new_source_release
                        and k.old_source_file_sha256 is distinct from k.new_source_file_sha256
                    then 'file_replaced'
                    when k.was_there and o.source_id is null
                    then 'release_withdrawn'
                    when k.old_correction_id is distinct from k.new_correction_id and k.was_there and k.is_there
                    then 'correction'
                    when k.was_there and k.old_load_id is distinct from s.load_id and not s.has_new_release
                    then 'declaration'
                    else 'rules'
                end as cause,
                case when k.is_there then n.revision_kind else s.revision_kind end as announced_kind,
                case when k.is_there then n.revision_reason else s.revision_reason end as announced_reason
            from kinds as k
            left join new_releases as n on k.source_id = n.source_id and k.new_source_release = n.source_release
            left join releases_now as o on k.source_id = o.source_id and k.old_source_release = o.source_release
            left join sources_now as s on k.source_id = s.source_id
            where k.revision_kind is not null
        )

    select
        * exclude (announced_kind),
        case when old_value <> 0 then 100.0 * (new_value - old_value) / abs(old_value) end as change_percent,
        cast({{ beyond_5_percent("old_value", "new_value") }} as smallint) as is_beyond_5_percent,
        cast(
            case
                announced_kind when 'scheduled' then true when 'unscheduled' then false else cause = 'new_release'
            end as smallint
        ) as is_scheduled,
        coalesce(
            announced_reason,
            case
                cause
                when 'new_release'
                then concat('The source released ', coalesce(new_source_release, 'new files'), '.')
                when 'source_withdrawn'
                then 'Nothing of the source is read any more.'
                when 'file_replaced'
                then 'The file has other bytes than before, in the same release.'
                when 'release_withdrawn'
                then concat('Release ', old_source_release, ' is no longer read.')
                when 'correction'
                then
                    concat_ws(
                        ' ',
                        case
                            when new_correction_id is not null
                            then concat('Correction ', new_correction_id, ' is made.')
                        end,
                        case
                            when old_correction_id is not null
                            then concat('Correction ', old_correction_id, ' is no longer made.')
                        end
                    )
                when 'declaration'
                then 'The same files are read in another way: the declaration of the source has changed.'
                else 'The same files, with another rule of the register or another version of the code.'
            end
        ) as reason
    from causes
{% endmacro %}

{#- One row per line of the scorecard that appeared, went or has another status, with the cause of the change.

    Cause of another status, the first that holds:
    1. changed_target: the register says something else of the commitment (its version, target, dates, baseline, measure),
       or the target has moved although period, baseline and comparator stand (a table of yearly targets was changed);
    2. new_data: a later period speaks, or the first one; for an output, the records of progress differ;
    3. revised_data: the same or an older period speaks, and its value or limits, the baseline or the comparator differ, or
       data that spoke are gone;
    4. time_passed: all of that stands, the day spoken for has moved, and with it the state of a deadline;
    5. changed_rule: nothing else differs, so the rules or the code do.
    A register, data and rules that change together leave one cause, the first: what else differed is in other_causes. -#}
{% macro status_changes(old, new, old_as_at, new_as_at) %}
    with
        joined as (
            select
                coalesce(n.commitment_id, o.commitment_id) as commitment_id,
                coalesce(n.area_code, o.area_code) as area_code,
                coalesce(n.area_name, o.area_name) as area_name,
                coalesce(n.title, o.title) as title,
                coalesce(n.place_role, o.place_role) as place_role,
                coalesce(n.source_id, o.source_id) as source_id,
                coalesce(n.indicator_id, o.indicator_id) as indicator_id,
                o.commitment_id is not null as was_there,
                n.commitment_id is not null as is_there,
                o.is_judged as old_is_judged,
                n.is_judged as new_is_judged,
                {% for column in [
                    "status_code",
                    "status_label",
                    "status_rule_order",
                    "status_rule_why",
                    "not_assessable_reason",
                    "period_label",
                    "actual_value",
                    "baseline_value",
                    "comparator_value",
                    "target_value",
                    "due_date",
                    "deadline_state",
                    "register",
                ] %}
                    o.{{ column }} as old_{{ column }}, n.{{ column }} as new_{{ column }},
                {% endfor %}
                o.register is distinct from n.register
                or (
                    {{ differs("o.target_value", "n.target_value") }}
                    and o.period_end is not distinct from n.period_end
                    and not {{ differs("o.baseline_value", "n.baseline_value") }}
                    and not {{ differs("o.comparator_value", "n.comparator_value") }}
                ) as is_target_changed,
                coalesce(n.period_end > o.period_end, n.period_end is not null and o.period_end is null)
                or o.records is distinct from n.records as is_new_data,
                coalesce(n.period_end < o.period_end, n.period_end is null and o.period_end is not null)
                or {{ differs("o.baseline_value", "n.baseline_value") }}
                or (
                    o.period_end is not distinct from n.period_end
                    and (
                        {{ differs("o.actual_value", "n.actual_value") }}
                        or {{ differs("o.actual_lower_ci_95", "n.actual_lower_ci_95") }}
                        or {{ differs("o.actual_upper_ci_95", "n.actual_upper_ci_95") }}
                        or {{ differs("o.comparator_value", "n.comparator_value") }}
                    )
                ) as is_data_revised,
                {{ new_as_at }} <> {{ old_as_at }}
                and o.deadline_state is distinct from n.deadline_state as is_time_passed
            from {{ old }} as o
            full outer join {{ new }} as n on o.commitment_id = n.commitment_id and o.area_code = n.area_code
            where exists (select 1 from {{ old }})
        )

    select
        * exclude (is_target_changed, is_new_data, is_data_revised, is_time_passed),
        case
            when not was_there
            then 'added'
            when not is_there
            then 'withdrawn'
            when is_target_changed
            then 'changed_target'
            when is_new_data
            then 'new_data'
            when is_data_revised
            then 'revised_data'
            when is_time_passed
            then 'time_passed'
            else 'changed_rule'
        end as cause,
        nullif(
            concat_ws(
                ', ',
                case when is_target_changed and is_new_data then 'new_data' end,
                case when (is_target_changed or is_new_data) and is_data_revised then 'revised_data' end,
                case
                    when (is_target_changed or is_new_data or is_data_revised) and is_time_passed then 'time_passed'
                end
            ),
            ''
        ) as other_causes
    from joined
    where old_status_code is distinct from new_status_code
{% endmacro %}
