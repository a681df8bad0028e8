{{ conform_indicator_values(source("accepted", "fingertips")) }}
