select issue_id, severity, subject, subject_id, title, detail, evidence, first_seen, status as issue_status
from {{ ref("known_issues") }}
order by issue_id
