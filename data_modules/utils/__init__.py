"""What knows nothing about images: errors, problems, worker processes, memory."""
