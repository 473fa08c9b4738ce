"""What predicts: the network of a run, or several joined, or one on mirrored images too."""
