"""What the sections and workers share."""
