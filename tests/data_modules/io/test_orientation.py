"""Headers whose two forms disagree about which way round the head lies."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from data_modules.io.geometry import read_grid
from data_modules.io.orientation import unclear_orientation
from tests.helpers.forms import LAS, LPS, write_forms
from tests.helpers.toy import write_volume


def unclear(path: Path) -> str | None:
    return unclear_orientation(path, read_grid(path).axes)


@pytest.mark.parametrize(("qform", "sform"), [*itertools.product(range(5), repeat=2)])
def test_two_forms_that_name_different_axes_are_both_named(
    tmp_path: Path, qform: int, sform: int
) -> None:
    path = write_forms(tmp_path / "x.nii", (LPS, qform), (LAS, sform))
    read = "LAS" if qform == 0 or sform == 1 else "LPS"
    if qform and sform:
        assert unclear(path) == (
            f"its axes are LPS by the qform (code {qform}) and LAS by the sform (code {sform}); "
            f"it is read as {read}"
        )
    elif qform or sform:
        assert unclear(path) is None
    else:
        assert unclear(path) == (
            "its qform and its sform have code 0, so the header does not say which side is left; "
            "it is read as LPS"
        )


@pytest.mark.parametrize("qfac", [0, 1])  # 0 counts as 1
def test_forms_that_name_the_same_axes_are_clear(tmp_path: Path, qfac: int) -> None:
    tilt = np.eye(4)
    tilt[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    path = write_forms(
        tmp_path / "x.nii", (LPS, 1), (tilt @ LPS, 2), pixdim=[qfac, 1, 1, 3, 0, 0, 0, 0]
    )
    assert unclear(path) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"quatern_b": 2.0}, "invalid by the qform (code 1) and LPS by the sform (code 2)"),
        ({"srow_x": [0, 0, 0, 0]}, "LPS by the qform (code 1) and invalid by the sform (code 2)"),
    ],
)
def test_a_form_without_axes_is_called_invalid(
    tmp_path: Path, fields: dict[str, object], words: str
) -> None:
    path = write_forms(tmp_path / "x.nii.gz", (LPS, 1), (LPS, 2), **fields)
    text = unclear_orientation(path, "LPS")
    assert text is not None
    assert words in text


def test_a_metaimage_has_one_form(tmp_path: Path) -> None:
    assert unclear(write_volume(tmp_path / "x.mha", np.zeros((2, 3, 4), np.uint8))) is None
