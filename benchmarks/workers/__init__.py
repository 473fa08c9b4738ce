"""The work that sections measure, most of it in a process per variant."""
