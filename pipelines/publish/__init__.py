"""Turn a finished build file into the one file that BI tools read: copy, describe, seal, replace.

Nothing here computes a figure or imports an orchestrator; ``published_asset`` alone wires these functions up.
"""
