"""NIfTI files whose two forms and codes are chosen."""

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

LPS = np.array([[-1.0, 0, 0, 5], [0, -1, 0, 47], [0, 0, 3, -7], [0, 0, 0, 1]])
LAS = np.array([[-1.0, 0, 0, 5], [0, 1, 0, -47], [0, 0, 3, -7], [0, 0, 0, 1]])


def write_forms(
    path: Path,
    qform: tuple[NDArray[np.float64], int],
    sform: tuple[NDArray[np.float64], int],
    **fields: object,
) -> Path:
    image = nib.Nifti1Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), None)
    image.header.set_qform(*qform)
    image.header.set_sform(*sform)
    for field, value in fields.items():
        image.header[field] = value
    nib.save(image, path)
    return path


def mirror_sform(path: Path, qform: int, sform: int) -> None:
    """Let the sform of a file lay its second axis the other way round, and set both codes."""
    image = nib.load(path)
    affine = image.header.get_qform()
    mirrored = nib.Nifti1Image(np.asarray(image.dataobj), None)
    mirrored.header.set_qform(affine, qform)
    mirror = np.diag([1.0, -1.0, 1.0, 1.0])
    mirror[1, 3] = image.shape[1] - 1
    mirrored.header.set_sform(affine @ mirror, sform)
    nib.save(mirrored, path)
