"""From files on disk to batches. Nothing is imported here: worker processes need no torch."""
