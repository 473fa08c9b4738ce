"""What may be done to the masks of a case after the network. NumPy and SciPy only."""
