"""Reads run folders, and groups the runs that may be compared."""
