"""The tables of a report: scores, paired comparisons, times, caveats."""
