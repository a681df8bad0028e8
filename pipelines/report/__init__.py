"""Answers in words and numbers from a published file: the scorecard, and where one status comes from.

Only the published file is read, by SQL; nothing here changes it, and no figure is made that is not checked against it.
"""
