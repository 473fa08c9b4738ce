"""A trained model in a folder that needs nothing of this program."""
