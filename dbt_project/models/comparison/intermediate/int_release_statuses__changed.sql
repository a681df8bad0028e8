-- Every line of the scorecard that appeared, went or has another status than in the release that is served, with the
-- cause; the rules are in macros/releases/changes.sql.
with
    changes as (
        {{
            status_changes(
                source("previous", "statuses"),
                ref("int_release_statuses__kept"),
                "(select as_at from " ~ source("previous", "release") ~ ")",
                as_at(),
            )
        }}
    )

select *
from changes
