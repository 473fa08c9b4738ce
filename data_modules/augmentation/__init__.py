"""Random changes of training batches. To add one, write a module here with a ``Transform``."""
