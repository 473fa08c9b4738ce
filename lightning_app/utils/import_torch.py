"""Imports torch and Lightning with garbage collection off.

The objects that they create stay for good; to scan them again and again takes half a second.
"""

import gc

gc.disable()
import lightning  # noqa: E402, F401
import torch  # noqa: E402, F401

gc.freeze()  # or the first full collection, at some training step, takes a third of a second
gc.enable()
