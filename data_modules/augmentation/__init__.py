"""Random changes of training batches. A new one is a module here that holds a ``Transform``."""
