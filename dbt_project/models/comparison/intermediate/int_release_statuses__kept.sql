-- The scorecard of this build in the shape in which the archive keeps that of a release.
{{
    snapshot_of_statuses(
        ref("v_scorecard"),
        ref("fct_target_vs_actual"),
        ref("dim_commitment"),
        ref("bridge_commitment_indicator"),
        ref("fct_milestone"),
        ref("dim_indicator"),
        ref("dim_population_group"),
        ref("dim_status"),
        as_at(),
    )
}}
