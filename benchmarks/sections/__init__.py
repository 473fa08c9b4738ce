"""The sections of RESULTS.md: each module's ``measure()`` returns the rows of its table."""
