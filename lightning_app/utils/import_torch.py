"""Imports torch and Lightning without a search for garbage meanwhile.

What they make then stays for good. To look through it again and again takes half a second.
"""

import gc

gc.disable()
import lightning  # noqa: E402, F401
import torch  # noqa: E402, F401

gc.freeze()  # nor later: it would be a third of a second at some step
gc.enable()
