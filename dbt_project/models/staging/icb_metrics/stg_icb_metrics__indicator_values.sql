{{ conform_indicator_values(source("accepted", "icb_metrics")) }}
