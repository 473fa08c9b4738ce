"""Synthetic patients with brain tumours, to try, test and demonstrate the program.

A phantom looks like a BraTS 2023 case, and networks can learn from it, but it is no evidence about
MRI. Its constants (see ``anatomy.tissue``) make tumours most visible on FLAIR, less on T2 and least
on t1c, so scores in that order only show that the generator works.

In the order of the data flow: ``anatomy`` has smooth noise (``fields``), signed depths
(``geometry``), a healthy head (``head``, ``sulci``, ``brain``), ``distractors``, ``tumour`` and the
constants of tissues (``tissue``). ``signal`` has the physics and ``scanner`` makes images. ``case``
is one scan and ``dataset`` a folder of scans.
"""

from data_modules.phantom.case import PhantomCase, case_ids, phantom_case
from data_modules.phantom.dataset import write_phantom

__all__ = ["PhantomCase", "case_ids", "phantom_case", "write_phantom"]
