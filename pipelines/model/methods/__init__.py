"""Statistics that DuckDB SQL cannot compute: simulation, and quantiles of the t and chi-squared distributions.

Pure functions of numbers belong here, without Dagster, dbt or Great Expectations. Every method that SQL can express is
a macro in ``dbt_project/macros/methods``; reading and writing tables belongs to the models that call these functions.
"""
