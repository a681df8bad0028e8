"""Second stage: decide what of a load may be used, and keep a record of every decision.

Suites, gates, quarantine and the check log belong here. Reading publishers' files does not, and neither does Dagster
wiring, which is in ``landed_gates``.
"""
