"""Commands with exported models, which need neither a run nor torch."""
