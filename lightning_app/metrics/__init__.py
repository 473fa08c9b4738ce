"""From masks to counts, scores and their intervals."""
