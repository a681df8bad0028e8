-- Every value that is not as it was in the release that is served; the rules are in macros/releases/changes.sql.
with
    changes as (
        {{
            value_changes(
                source("previous", "indicator_values"),
                ref("int_release_values__kept"),
                source("previous", "announced"),
            )
        }}
    )

select *
from changes
