"""When a refresh runs, whether what it needs has come, and who hears of it.

Release calendars, polls, freshness, schedules, sensors and alerts belong here. What a refresh does does not: the stages
know nothing of this folder.
"""
