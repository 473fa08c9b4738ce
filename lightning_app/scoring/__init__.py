"""From the masks of a test to its scores."""
