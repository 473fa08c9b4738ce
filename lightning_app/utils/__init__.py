"""Helpers that know nothing about training: errors, exit codes, logging, JSON and CSV."""
