"""Voxels and geometry of NIfTI files against those that SimpleITK reads."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from data_modules.io.geometry import Grid
from data_modules.io.gzip import read_complete
from data_modules.io.nifti import read_nifti
from data_modules.io.volumes import read_modality, read_volume
from data_modules.utils.problems import BadFileError
from tests.helpers.toy import REAL, write_case, write_volume

SHAPE = (3, 4, 5)  # of the file: x, y, z


def check_like_itk(path: Path, channel: int | None = None) -> None:
    """The voxels to the bit and in the same type, the geometry to the digit."""
    image = sitk.ReadImage(str(path))
    if channel is not None:
        image = image[..., channel]
    voxels, grid = read_volume(path, channel)

    expected = sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS"))
    assert voxels.dtype == expected.dtype
    np.testing.assert_array_equal(voxels, expected)
    own = (image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    assert grid == Grid(*own)
    assert grid.lps_spacing == sitk.DICOMOrient(image, "LPS").GetSpacing()


def write_odd(path: Path, kind: Any = nib.Nifti1Image, **fields: Any) -> Path:
    """A file whose header is made up; ``voxels`` and ``endianness`` besides its fields."""
    voxels = fields.pop("voxels", np.arange(60, dtype=np.int16).reshape(SHAPE))
    header = kind.header_class(endianness=fields.pop("endianness", "<"))
    affine = np.array([[-1.5, 0, 0, 5], [0, 0, -2, 6], [0, 3, 0, 7], [0, 0, 0, 1]])
    image = kind(voxels, affine, header, dtype=voxels.dtype)
    image.set_sform(affine, fields.pop("sform", 1))
    image.set_qform(affine, fields.pop("qform", 1))
    content = bytearray(image.to_bytes())
    header = kind.header_class(
        bytes(content[: header.sizeof_hdr]), endianness=image.header.endianness
    )
    for field, value in fields.items():
        header[field] = value
    content[: header.sizeof_hdr] = header.binaryblock
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    "kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
)  # fmt: skip
def test_every_type_of_voxel(tmp_path: Path, kind: str, ending: str) -> None:
    voxels = np.arange(60).reshape(SHAPE).astype(kind)
    check_like_itk(write_odd(tmp_path / f"x{ending}", voxels=voxels))


@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("kind", ["i2", "f4"])
def test_both_orders_of_bytes(tmp_path: Path, kind: str, endianness: str) -> None:
    voxels = np.arange(60).reshape(SHAPE).astype(kind)
    check_like_itk(write_odd(tmp_path / "x.nii.gz", voxels=voxels, endianness=endianness))


@pytest.mark.parametrize("endianness", ["<", ">"])
def test_nifti_2_which_itk_does_not_read_is_to_be_converted(
    tmp_path: Path, endianness: str
) -> None:
    path = write_odd(tmp_path / "x.nii.gz", nib.Nifti2Image, endianness=endianness)
    for read in (read_nifti, read_volume):
        with pytest.raises(BadFileError, match="is NIfTI-2, expected NIfTI-1; convert it"):
            read(path)


@pytest.mark.parametrize("stored", ["u1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize(
    ("slope", "intercept"),
    [(0, 0), (1, 0), (2, 0), (0, 5), (1, 5), (2.5, 0.3), (-1, 0), (1e-20, 0), (1e-20, 3),
     (np.nan, 0), (np.inf, 0), (0.1, -7)],
)  # fmt: skip
def test_scales(tmp_path: Path, stored: str, slope: float, intercept: float) -> None:
    voxels = np.arange(60).reshape(SHAPE).astype(stored)
    path = write_odd(tmp_path / "x.nii", voxels=voxels, scl_slope=slope, scl_inter=intercept)
    check_like_itk(path)


@pytest.mark.parametrize("sform", range(5))
@pytest.mark.parametrize("qform", range(5))
def test_codes_of_both_forms(tmp_path: Path, sform: int, qform: int) -> None:
    path = write_odd(tmp_path / "x.nii", qoffset_x=55.5, sform=sform, qform=qform)
    check_like_itk(path)


@pytest.mark.parametrize(
    "fields",
    [{"xyzt_units": 1}, {"xyzt_units": 3}, {"vox_offset": 0}, {"vox_offset": 100},
     {"dim": [4, 3, 4, 5, 1, 1, 1, 1]}, {"dim": [3, 5, 4, 3, 1, 1, 1, 1]},
     {"pixdim": [-1, 1, 2, 3, 0, 0, 0, 0]}, {"intent_code": 1002}, {"magic": b"ni1"}],
    ids=str,
)  # fmt: skip
def test_odd_headers(tmp_path: Path, fields: dict[str, Any]) -> None:
    check_like_itk(write_odd(tmp_path / "x.nii", **fields))


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mha"])
def test_a_channel_of_a_4_d_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    volumes = [sitk.GetImageFromArray(np.full((2, 3, 4), n, np.int16)) for n in range(3)]
    sitk.WriteImage(sitk.JoinSeries(volumes), str(path))
    for channel in range(3):
        check_like_itk(path, channel)
        assert (read_volume(path, channel)[0] == channel).all()


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mha"])
def test_a_toy_case(tmp_path: Path, ending: str) -> None:
    for path in write_case(tmp_path, "BraTS-GLI-00000-000", ending=ending).iterdir():
        check_like_itk(path)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real patients are not here ({REAL})")
@pytest.mark.parametrize(
    "path", sorted(REAL.rglob("*.nii.gz")), ids=lambda path: path.name.removesuffix(".nii.gz")
)
def test_real_files(path: Path) -> None:
    check_like_itk(path)


def test_scaled_floats_beyond_what_they_hold_are_refused(tmp_path: Path) -> None:
    voxels = np.full(SHAPE, 1e30, np.float32)
    path = write_odd(tmp_path / "x.nii.gz", voxels=voxels, scl_slope=1e20)
    with pytest.raises(BadFileError, match="NaN or infinite in 60 voxels"):
        read_nifti(path)


# Packed files ------------------------------------------------------------------------------------

CONTENT = np.random.default_rng(0).integers(0, 9, 100_000, np.uint8).tobytes()


def packed(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_one_member_and_several_give_the_same(tmp_path: Path) -> None:
    one = gzip.compress(CONTENT)
    two = gzip.compress(CONTENT[:777]) + gzip.compress(CONTENT[777:])
    large = gzip.compress(CONTENT[:777]) + gzip.compress(CONTENT[777:] + bytes(777))
    shapes = {"one": one, "two": two, "large": large, "twice": one + one, "padded": one + bytes(9)}
    for name, content in shapes.items():
        path = packed(tmp_path / f"{name}.gz", content)
        assert read_complete(path, len(CONTENT))[: len(CONTENT)] == CONTENT


@pytest.mark.parametrize(
    ("change", "words"),
    [(lambda b: b[:-3], "is cut short: 99999 of 100000 bytes"),
     (lambda b: b[: len(b) // 2], "is cut short: "),
     (lambda b: b[:-8] + bytes(8), "is damaged \\(CRC check failed"),
     (lambda b: b[:-4] + bytes(4), "is damaged \\(Incorrect length"),
     (lambda b: b + b"more", "is damaged \\(Not a gzipped file"),
     (lambda b: b[:2000] + bytes(99) + b[2099:], "is damaged"),
     (lambda _: gzip.compress(CONTENT[:-1]), "is cut short: 99999 of 100000 bytes")],
)  # fmt: skip
def test_packed_files_that_are_not_whole_are_refused(
    tmp_path: Path, change: Any, words: str
) -> None:  # fmt: skip
    path = packed(tmp_path / "x.gz", change(gzip.compress(CONTENT)))
    with pytest.raises(BadFileError, match=words):
        read_complete(path, len(CONTENT))


def test_what_follows_the_voxels_is_left_unread(tmp_path: Path) -> None:
    """A bomb: of 64 MB in 64 kB no more than a chunk or two is unpacked."""
    path = packed(tmp_path / "x.gz", gzip.compress(CONTENT + bytes(64 << 20)))
    assert len(read_complete(path, len(CONTENT))) < 4 << 20


def test_a_file_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_volume(tmp_path / "x.nii.gz", np.arange(60, dtype=np.int16).reshape(SHAPE))
    unpacked: list[Path] = []

    def noted(path: Path, expected: int) -> bytes | bytearray:
        unpacked.append(path)
        return read_complete(path, expected)

    monkeypatch.setattr("data_modules.io.nifti.read_complete", noted)
    read_modality(path)
    assert unpacked == [path]
