"""Reading, checking and writing one medical image file."""
