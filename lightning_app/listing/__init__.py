"""Lists the runs of a folder: their state and scores, and what distinguishes them."""
