"""Whether a NIfTI header says clearly which way round the head lies.

A header can place its voxels twice, by a qform and by an sform, each with a code that is 0 if it is
not to be used. If they differ, ITK, which reads the geometry here, takes the one or the other, by
their codes and by how far they differ. nibabel and FSL take the sform whenever it has a code.
"""

from pathlib import Path
from typing import Any

import nibabel as nib

from data_modules.io.header_checks import is_nifti, read_header

SET_BOTH_FORMS = "check which side is left, and write that orientation into both forms"
_INVALID = "invalid"  # such as an affine of zeros


def unclear_orientation(path: Path, read_as: str) -> str | None:
    """Why programs may disagree about which side of an image is left.

    Args:
        path: The file.
        read_as: The axes of the grid as it was read, such as LPS.

    Returns:
        Both forms and how the file is read, as text; None if they name the same axes, or only one
        of them is used.

    Raises:
        BadFileError: The header cannot be read.
    """
    if not is_nifti(path):
        return None
    header = read_header(path)
    codes = int(header["qform_code"]), int(header["sform_code"])
    if not any(codes):
        return (
            "its qform and its sform have code 0, so the header does not say which side is left; "
            f"it is read as {read_as}"
        )
    if not all(codes):
        return None
    qform, sform = _axes_of_qform(header), _axes(header.get_sform())
    if qform == sform:
        return None
    return (
        f"its axes are {qform} by the qform (code {codes[0]}) and {sform} by the sform (code "
        f"{codes[1]}); it is read as {read_as}"
    )


def _axes_of_qform(header: Any) -> str:
    header = header.copy()
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1  # others count as 1
    try:
        return _axes(header.get_qform())
    except ValueError:  # its quaternion is longer than 1
        return _INVALID


def _axes(affine: Any) -> str:
    """Where each axis points, x first, such as LPS: to the left, to the back, up."""
    codes = nib.aff2axcodes(affine)
    return "".join(codes) if all(codes) else _INVALID
