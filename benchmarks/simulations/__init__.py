"""Simulations of what the report says about scores: intervals and verdicts."""
