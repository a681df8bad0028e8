{{ conform_indicator_values(source("accepted", "trafford_wards")) }}
