"""What the pages of several commands share."""
