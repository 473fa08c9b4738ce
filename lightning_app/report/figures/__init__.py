"""The figures of a report: masks of all networks, training curves, Dice against size."""
