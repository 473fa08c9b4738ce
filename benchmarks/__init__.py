"""Benchmarks that anyone can repeat; ``python -m benchmarks.run`` runs them."""
