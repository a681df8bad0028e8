{{ conform_indicator_values(source("accepted", "ons_subnational")) }}
