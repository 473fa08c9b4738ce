"""Chooses the post-processing of a run on patients that its test leaves alone."""
