{{ date_role("period_start_date_key") }}
