"""Label maps lie on their image in every program."""

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.io.geometry import read_grid
from data_modules.io.volumes import read_volume
from data_modules.io.writers import write_label_map, write_probabilities
from tests.helpers.forms import LAS, LPS, write_forms
from tests.helpers.toy import write_volume

SHEARED = LPS + np.array([[0, 0.2, 0, 0], *[[0] * 4] * 3])


@pytest.mark.parametrize(
    ("sform", "codes"),
    [
        *((form, codes) for form in (LPS, LAS) for codes in itertools.product((0, 1, 2), repeat=2)),
        (SHEARED, (1, 0)),
        (SHEARED, (1, 2)),  # ITK reads the qform, and would refuse this sform
    ],
)
def test_a_label_map_has_both_forms_of_its_image(
    tmp_path: Path, sform: NDArray[np.float64], codes: tuple[int, int]
) -> None:
    like = write_forms(tmp_path / "image.nii.gz", (LPS, codes[0]), (sform, codes[1]), xyzt_units=2)
    voxels, grid = read_volume(like)
    path = tmp_path / "unfinished.part"

    write_label_map(path, voxels.astype(np.uint8), like)

    path = path.rename(tmp_path / "labels.nii.gz")
    image, labels = nib.load(like), nib.load(path)
    for form in ("qform", "sform"):
        assert labels.header[f"{form}_code"] == image.header[f"{form}_code"]
        ours, theirs = (getattr(i.header, f"get_{form}")() for i in (labels, image))
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(labels.affine, image.affine)
    assert labels.header.get_xyzt_units() == image.header.get_xyzt_units()
    assert labels.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(labels.dataobj, image.dataobj)
    assert read_grid(path) == grid


def test_a_label_map_on_a_channel_of_a_4_d_file_has_three_dimensions(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((4, 5, 6, 2), np.int16), LAS)
    image.header["pixdim"][4] = 2.5  # seconds
    nib.save(image, tmp_path / "image.nii.gz")
    path = tmp_path / "labels.nii.gz"

    write_label_map(path, np.ones((6, 5, 4), np.uint8), tmp_path / "image.nii.gz", 1)

    assert nib.load(path).shape == (4, 5, 6)
    np.testing.assert_array_equal(nib.load(path).affine, LAS)


def test_a_label_map_on_a_metaimage_has_its_grid_in_both_forms(tmp_path: Path) -> None:
    turn = (0, 1, 0, -1, 0, 0, 0, 0, 1)
    voxels = np.arange(120, dtype=np.uint8).reshape(4, 5, 6)
    like = write_volume(tmp_path / "image.mha", voxels, (1, 2, 3), (10, -20, 30), turn)
    labels, grid = read_volume(like)
    path = tmp_path / "labels.nii.gz"

    write_label_map(path, labels, like)

    np.testing.assert_array_equal(read_volume(path)[0], labels)
    written = read_grid(path)
    assert (written.size, written.spacing) == (grid.size, grid.spacing)
    assert written.origin == pytest.approx(grid.origin)
    assert written.direction == pytest.approx(grid.direction, abs=1e-6)
    header = nib.load(path).header
    np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-6)
    assert (header["qform_code"], header["sform_code"]) == (1, 1)


@pytest.mark.parametrize("classes", [1, 3])
def test_probabilities_lie_on_the_image_with_a_volume_for_each_class(
    tmp_path: Path, classes: int
) -> None:
    image = sitk.GetImageFromArray(np.zeros((6, 5, 4), np.int16))
    image.SetSpacing((1.0, 2.0, 3.0))
    image.SetOrigin((3.0, -20.5, 7.0))
    image = sitk.DICOMOrient(image, "PIR")
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    rng = np.random.default_rng(0)
    cropped = rng.random((classes, 6, 3, 2), np.float32)  # of (6, 5, 4) in LPS order

    path = tmp_path / "probabilities.nii.gz"
    write_probabilities(path, cropped, tmp_path / "image.nii.gz")

    written = sitk.ReadImage(str(path))
    assert written.GetPixelID() == sitk.sitkFloat32
    assert written.GetDimension() == (3 if classes == 1 else 4)
    assert written.GetSize()[:3] == image.GetSize()
    volumes = sitk.GetArrayFromImage(written).reshape(classes, *image.GetSize()[::-1])
    for volume, expected in zip(volumes, cropped, strict=True):
        on_image = sitk.GetImageFromArray(volume)
        on_image.CopyInformation(image)
        straight = sitk.GetArrayFromImage(sitk.DICOMOrient(on_image, "LPS"))
        np.testing.assert_array_equal(straight, np.pad(expected, ((0, 0), (1, 1), (1, 1))))
    whole = written if classes == 1 else sitk.Extract(written, [*image.GetSize(), 0])
    assert whole.GetDirection() == image.GetDirection()
    assert whole.GetOrigin() == image.GetOrigin()
    assert whole.GetSpacing() == image.GetSpacing()
