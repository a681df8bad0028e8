-- A tool that is told to treat dim_date as its calendar needs every day of whole years once.
select min(full_date) as first_day, max(full_date) as last_day, count(full_date) as days
from {{ ref("dim_date") }}
having
    count(full_date) <> max(full_date) - min(full_date) + 1
    or count(full_date) <> count(distinct full_date)
    or strftime(min(full_date), '%m%d') <> '0101'
    or strftime(max(full_date), '%m%d') <> '1231'
