"""Callbacks that watch any LightningModule: one concern, one file."""
