"""Scores of label maps of any tool against ground truth. Imports no torch."""
