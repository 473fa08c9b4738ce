"""Prepared slices on disk, as memory-mapped arrays."""
