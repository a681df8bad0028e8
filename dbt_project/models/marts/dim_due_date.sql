{{ date_role("due_date_key") }}
