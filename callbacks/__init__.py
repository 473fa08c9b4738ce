"""Callbacks for any LightningModule, one concern per file."""
