"""What Python programs and notebooks use; ``lightning_app`` exports it."""
