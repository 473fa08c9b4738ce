"""The folder of a run: its files, records, status, lock and checkpoints."""
