{{ date_role("period_end_date_key") }}
