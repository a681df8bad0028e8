select
    source_id,
    source_release,
    source_file,
    source_file_sha256,
    source_row_number,
    set_id,
    set_title,
    set_as_of,
    area_code,
    neighbour_code,
    neighbour_name
from {{ source("accepted", "trafford_neighbours") }}
