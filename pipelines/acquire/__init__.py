"""From raw bytes to one typed Parquet a source: shape only, nothing judged and nothing computed.

Reading and declaring sources belongs here; checking values, conforming codes and statistics do not.
"""
