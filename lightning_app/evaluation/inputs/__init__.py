"""What is evaluated: folders of label maps, what their values mean, and the ground truth."""
