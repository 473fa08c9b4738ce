"""Scores of one case's volume that are no ratios of voxel counts."""
