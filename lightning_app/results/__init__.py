"""What a test or a prediction writes: records, pictures, label maps, a W&B report."""
