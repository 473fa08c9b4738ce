"""Accuracy on unseen patients at equal minutes of training, out of fold."""
