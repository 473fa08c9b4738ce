"""What ``predict`` writes: label maps, probabilities and pictures."""
