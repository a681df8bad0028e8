{{ config(materialized="view") }}
-- The values of this build in the shape in which the archive keeps those of a release.
{{
    snapshot_of_values(
        ref("fct_indicator_value"),
        ref("dim_indicator"),
        ref("dim_area"),
        ref("dim_period"),
        ref("dim_population_group"),
        ref("source_load"),
    )
}}
