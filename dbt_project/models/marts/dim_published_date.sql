{{ date_role("published_date_key") }}
