"""Ingest, gate, model and publish indicator extracts against signed commitments.

The stage folders are verbs in the order of the flow: ``acquire``, ``check``, ``model``, ``publish``. A later stage may
import an earlier one, never the reverse. Nothing is imported here, so that ``outcomes --help`` stays quick.
"""
