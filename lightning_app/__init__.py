"""Joins networks, data and callbacks into experiments."""
