{{ conform_indicator_values(source("accepted", "ukhsa_bacteraemia_tables")) }}
