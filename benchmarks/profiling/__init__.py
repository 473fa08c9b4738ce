"""Profiles of the program, each a script."""
