"""The linter of a published file: it opens the file as a client does and holds it against the rules.

The rules in words are in ``check.release_rules``, so that they are in the index of intended checks; how each is looked
at is here. Repairing a file does not belong here: a rule that does not hold is repaired where the figure is made.
"""
