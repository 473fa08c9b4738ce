"""Synthetic patients with brain tumours: data to try, test and demonstrate with.

A phantom looks like a BraTS 2023 case and is worth training on, but it is no evidence about MRI:
that tumours are plainest on FLAIR, less so on T2 and least on t1c is built into its constants (see
``tissue``), so scores in that order check the generator and nothing else.

The data flow: ``anatomy.fields`` and ``anatomy.geometry`` (smooth noise, signed depths),
``anatomy`` (a healthy head), ``distractors``, ``tumour``, ``tissue`` and ``signal`` (physics),
``scanner`` (images), ``case`` (one scan), ``dataset`` (a folder of them).
"""

from data_modules.phantom.case import PhantomCase, case_ids, phantom_case
from data_modules.phantom.dataset import write_phantom

__all__ = ["PhantomCase", "case_ids", "phantom_case", "write_phantom"]
