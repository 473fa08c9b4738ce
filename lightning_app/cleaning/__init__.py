"""Finds and deletes what runs and caches no longer need."""
