import gzip
import itertools
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from data_modules.catalog.releases import releases_named
from data_modules.io.geometry import check_same_grid, read_grid
from data_modules.io.volumes import read_labels, read_modality, read_volume
from data_modules.io.writers import write_label_map
from data_modules.utils.errors import DataError
from data_modules.utils.problems import BadFileError
from tests.helpers.forms import mirror_sform
from tests.helpers.toy import REAL, write_volume

needs_real_patients = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"the real patients are not here ({REAL})"
)

# How a file may lay its axes along the patient's: axis i of the file runs along axis order[i] of
# the patient (0 to the left, 1 to the back, 2 up), forwards or backwards.
LAYOUTS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]
SIZE, SPACING = (5, 6, 4), (0.7, 1.3, 3.3)  # of the patient's axes


def laid_out(
    voxels: NDArray[np.generic], order: tuple[int, ...], signs: tuple[int, ...]
) -> NDArray[np.generic]:
    """An array (up, back, left) as a file of that layout holds it."""
    along = voxels.transpose(2, 1, 0).transpose(order)
    return along[tuple(slice(None, None, sign) for sign in signs)].transpose(2, 1, 0)


def write_laid_out(
    path: Path, voxels: NDArray[np.generic], order: tuple[int, ...], signs: tuple[int, ...]
) -> Path:
    direction = np.zeros((3, 3))
    for axis, (along, sign) in enumerate(zip(order, signs, strict=True)):
        direction[along, axis] = sign
    x, y, z = (SPACING[along] for along in order)
    stored = laid_out(voxels, order, signs).copy()
    return write_volume(path, stored, (x, y, z), (10.1, -20.3, 30.7), direction.ravel().tolist())


def round_head(
    background: float = 0, size: int = 40
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Three slices of a disc of noise between 60 and 160 on a background, and where the disc is."""
    y, x = np.mgrid[:size, :size]
    disc = np.hypot(y - size / 2 + 0.5, x - size / 2 + 0.5) < size * 0.42
    brain = np.broadcast_to(disc, (3, size, size)).copy()
    noise = np.random.default_rng(0).uniform(60, 160, brain.shape)
    return np.where(brain, noise, background).astype(np.float32), brain


def check_normalised(path: Path, voxels: NDArray[np.float32], brain: NDArray[np.bool_]) -> None:
    """Compare with a z-score over the brain that is known."""
    volume = read_modality(path)
    found, mask = volume.normalised(), volume.brain

    np.testing.assert_array_equal(mask, brain)
    inside = voxels[brain].astype(np.float64)
    expected = np.where(brain, (voxels - inside.mean()) / inside.std(), 0)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    assert (found[~brain] == 0).all()
    assert abs(found[brain].mean()) < 1e-5
    assert abs(found[brain].std() - 1) < 1e-5


@pytest.mark.parametrize(("order", "signs"), LAYOUTS)
def test_every_layout_of_the_axes_comes_to_one_orientation(
    tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    voxels = np.random.default_rng(1).integers(0, 999, SIZE[::-1]).astype(np.int16)
    path = write_laid_out(tmp_path / "image.nii.gz", voxels, order, signs)

    found, grid = read_volume(path)

    np.testing.assert_array_equal(found, voxels)
    assert grid.lps_spacing == pytest.approx(SPACING)


@pytest.mark.parametrize(("order", "signs"), LAYOUTS)
def test_a_label_map_is_written_on_the_layout_of_its_image(
    tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    labels = np.random.default_rng(2).integers(0, 4, SIZE[::-1]).astype(np.uint8)
    like = write_laid_out(tmp_path / "image.nii.gz", labels.astype(np.int16), order, signs)
    path = tmp_path / "labels.nii.gz"

    write_label_map(path, labels, like)

    written = sitk.ReadImage(str(path))
    assert read_grid(path) == read_grid(like)
    assert written.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(written), laid_out(labels, order, signs))


@pytest.mark.parametrize(
    ("order", "signs"),
    [((0, 1, 2), (1, 1, 1)), ((0, 1, 2), (-1, -1, 1)), ((2, 0, 1), (1, -1, -1))],
)
def test_a_label_map_that_was_padded_or_cropped_comes_back_in_place(
    tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    labels = np.random.default_rng(3).integers(1, 4, SIZE[::-1]).astype(np.uint8)
    like = write_laid_out(tmp_path / "image.nii.gz", labels.astype(np.int16), order, signs)
    padded = np.pad(labels, ((0, 0), (1, 2), (3, 3)), constant_values=3)  # 6 x 5 to 9 x 11
    inner = labels[:, 1:4, 1:3]  # 6 x 5 to 3 x 2
    of_the_inner = np.zeros_like(labels)
    of_the_inner[:, 1:4, 1:3] = inner

    for framed, expected in ((padded, labels), (inner, of_the_inner)):
        write_label_map(tmp_path / "labels.nii.gz", framed, like)
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "labels.nii.gz")))
        np.testing.assert_array_equal(written, laid_out(expected, order, signs))
        assert read_grid(tmp_path / "labels.nii.gz") == read_grid(like)


def test_a_tilted_head_keeps_its_grid(tmp_path: Path) -> None:
    cos, sin = math.cos(0.3), math.sin(0.3)
    labels = np.random.default_rng(4).integers(0, 4, (3, 4, 5)).astype(np.uint8)
    like = write_volume(
        tmp_path / "image.nii",
        labels[:, ::-1].copy(),  # the second axis runs to the front
        spacing=(0.9375, 0.9375, 5),
        origin=(1.5, -2.25, 3.125),
        direction=(cos, sin, 0, sin, -cos, 0, 0, 0, 1),
    )

    path = tmp_path / "labels.nii.gz"
    read, _ = read_volume(like)
    write_label_map(path, labels, like)

    np.testing.assert_array_equal(read, labels)
    written = sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(written), labels[:, ::-1])
    grid = read_grid(like)
    assert (written.GetSize(), written.GetSpacing()) == (grid.size, grid.spacing)
    assert written.GetOrigin() == grid.origin
    # NIfTI turns directions into quaternions and back.
    assert written.GetDirection() == pytest.approx(grid.direction, abs=1e-7)


def test_a_grid_is_what_the_file_was_written_with(tmp_path: Path) -> None:
    path = write_volume(tmp_path / "image.nii", np.zeros((2, 3, 4), np.uint8), (1, 2, 3), (4, 5, 6))

    grid = read_grid(path)

    assert (grid.size, grid.spacing, grid.origin) == ((4, 3, 2), (1, 2, 3), (4, 5, 6))


@pytest.mark.parametrize("background", [0, -5.61])
def test_a_skull_stripped_head_is_normalised_over_its_brain(
    tmp_path: Path, background: float
) -> None:
    voxels, brain = round_head(background)
    path = write_volume(tmp_path / "image.nii.gz", voxels)

    check_normalised(path, voxels, brain)


def test_a_negative_background_below_a_brain_on_both_sides_of_zero(tmp_path: Path) -> None:
    voxels, brain = round_head(360)
    voxels = (voxels - np.float32(110)) / np.float32(-25)  # background -10, brain -2 to 2
    path = write_volume(tmp_path / "image.nii.gz", voxels)

    check_normalised(path, voxels, brain)


def test_a_file_that_was_z_scored_before_with_background_zero(tmp_path: Path) -> None:
    _, brain = round_head()
    scored = np.random.default_rng(7).normal(0, 1, brain.shape)
    voxels = np.where(brain, scored, 0).astype(np.float32)
    path = write_volume(tmp_path / "image.nii.gz", voxels)

    check_normalised(path, voxels, brain)


def test_intensities_may_be_as_large_as_scanners_make_them(tmp_path: Path) -> None:
    voxels, brain = round_head()
    voxels = np.where(brain, np.round(voxels * 200), 0).astype(np.float32)
    path = write_volume(tmp_path / "image.nii.gz", voxels.astype(np.uint16))

    check_normalised(path, voxels, brain)


def test_a_head_with_a_noisy_background_is_normalised_over_the_head_and_its_dark_holes(
    tmp_path: Path,
) -> None:
    voxels, brain = round_head()
    voxels[~brain] = np.random.default_rng(5).integers(0, 5, int((~brain).sum()))
    voxels[:, 18:22, 18:22] = 2  # a dark ventricle
    path = write_volume(tmp_path / "image.nii.gz", voxels)

    check_normalised(path, voxels, brain)


def test_a_few_dim_voxels_do_not_make_a_brain_a_head(tmp_path: Path) -> None:
    voxels, brain = round_head()
    voxels[:, 10:12, 15:25] = 1  # hardly above the background, yet brain
    path = write_volume(tmp_path / "image.nii.gz", voxels)

    check_normalised(path, voxels, brain)


def test_the_spacing_is_given_x_first(tmp_path: Path) -> None:
    voxels, _ = round_head()
    path = write_volume(tmp_path / "image.nii.gz", voxels, spacing=(1, 2, 5))

    assert read_modality(path).grid.lps_spacing == (1, 2, 5)


def refused(path: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_modality(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert all(word in message for word in words)
    assert "\n" not in message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    voxels, _ = round_head()
    voxels[1, 20, 20:23] = value

    refused(write_volume(tmp_path / "image.nii.gz", voxels), "NaN or infinite in 3 voxels")


@pytest.mark.parametrize("ending", ["nii.gz", "mha"])
def test_labels_that_are_no_numbers_are_refused_in_any_format(tmp_path: Path, ending: str) -> None:
    voxels = np.zeros((3, 4, 5), np.float32)
    voxels[1, 2, 3] = np.nan
    path = tmp_path / f"mask.{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))
    with pytest.raises(BadFileError, match="NaN or infinite in 1 voxel"):
        read_volume(path)


def test_constant_images_are_refused(tmp_path: Path) -> None:
    _, brain = round_head()

    for name, voxels in (("same", np.full_like(brain, 7, np.int16)), ("flat", 9 * brain)):
        path = write_volume(tmp_path / f"{name}.nii.gz", voxels.astype(np.int16))
        refused(path, "the image is constant")


def test_files_that_are_no_images_are_refused(tmp_path: Path) -> None:
    for name, content, words in (
        ("empty", b"", "is empty, 0 bytes"),
        ("text", b"hello", "is not gzip-compressed"),
        ("gzip", b"\x1f\x8b\x08\x00", "is damaged"),
    ):
        path = tmp_path / f"{name}.nii.gz"
        path.write_bytes(content)
        refused(path, words, "copy or download it again")
    refused(tmp_path / "absent.nii.gz", "does not exist")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, kept: float, ending: str) -> None:
    voxels, _ = round_head()
    path = write_volume(tmp_path / f"image{ending}", voxels)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])

    refused(path)


@pytest.mark.parametrize(
    ("shape", "words"), [((8, 9), "2 dimensions (9 x 8)"), ((2, 3, 4, 5), "4 dimensions")]
)
def test_files_of_two_or_four_dimensions_are_refused(
    tmp_path: Path, shape: tuple[int, ...], words: str
) -> None:
    path = tmp_path / "image.nii.gz"
    voxels = np.arange(math.prod(shape), dtype=np.int16).reshape(shape)
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=False), str(path))

    refused(path, words, "expected 3")
    with pytest.raises(DataError, match=r"image\.nii\.gz"):
        read_labels(path, {0: 0})


def test_a_file_of_several_values_a_voxel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.nii.gz"
    voxels = np.random.default_rng(6).random((4, 8, 8, 3)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=True), str(path))

    refused(path)


TILT = (math.cos(0.1), -math.sin(0.1), 0, math.sin(0.1), math.cos(0.1), 0, 0, 0, 1)


def test_grids_that_differ_are_refused(tmp_path: Path) -> None:
    voxels = np.zeros((3, 4, 5), np.uint8)
    one = write_volume(tmp_path / "one.nii.gz", voxels)
    others = {
        "size": write_volume(tmp_path / "a.nii.gz", np.zeros((3, 5, 4), np.uint8)),
        "spacing": write_volume(tmp_path / "b.nii.gz", voxels, spacing=(1, 1, 1.01)),
        "direction": write_volume(tmp_path / "c.nii.gz", voxels, direction=TILT),
    }

    for what, other in others.items():
        with pytest.raises(DataError) as caught:
            check_same_grid(one, read_grid(one), other)
        message = str(caught.value)
        assert message.startswith(f"{one}: {what} ")
        assert f" of {other.name}; " in message
    with pytest.raises(DataError, match=r"size 5 x 4 x 3 differs from 4 x 5 x 3 of a\.nii\.gz"):
        check_same_grid(one, read_grid(one), others["size"])


@pytest.mark.parametrize("unclear", ["one", "other"])
def test_directions_that_differ_because_of_unclear_forms_need_no_resampling(
    tmp_path: Path, unclear: str
) -> None:
    voxels = np.zeros((3, 4, 5), np.uint8)
    files = {name: write_volume(tmp_path / f"{name}.nii.gz", voxels) for name in ("one", "other")}
    mirror_sform(files[unclear], 2, 1)

    with pytest.raises(DataError, match="direction ") as caught:
        check_same_grid(files["one"], read_grid(files["one"]), files["other"])
    assert str(caught.value).endswith(
        f"; {unclear}.nii.gz: its axes are LPS by the qform (code 2) and LAS by the sform "
        "(code 1); it is read as LAS; check which side is left, and write that orientation into "
        "both forms"
    )


def test_grids_may_differ_in_origin_and_in_the_last_digits(tmp_path: Path) -> None:
    voxels = np.zeros((3, 4, 5), np.uint8)
    one = write_volume(tmp_path / "one.nii.gz", voxels)

    check_same_grid(
        one, read_grid(one), write_volume(tmp_path / "a.nii.gz", voxels, origin=(7, 8, 9))
    )
    check_same_grid(
        one, read_grid(one), write_volume(tmp_path / "b.nii.gz", voxels, spacing=(1, 1, 1.0001))
    )


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("brats2023", [0, 1, 2, 3]),
        ("brats2024", [0, 1, 2, 3, 0]),  # 4 is the resection cavity
        ("brats2021", [0, 1, 2, None, 3]),
        ("brats2020", [0, 1, 2, None, 3]),
        ("brats2017-2019", [0, 1, 2, None, 3]),
    ],
)
def test_labels_become_those_of_brats_2023(
    tmp_path: Path, release: str, expected: list[int | None]
) -> None:
    (row,) = releases_named(release)

    for value in range(6):
        source = np.zeros((2, 3, 4), np.uint8)
        source[1, 2, :3] = value
        path = write_volume(tmp_path / f"case-{value}.nii.gz", source)
        label = expected[value] if value < len(expected) else None
        if label is None:
            with pytest.raises(DataError, match=rf"case-{value}.*label {value} \(3 voxels\)"):
                read_labels(path, row.labels)
        else:
            labels = read_labels(path, row.labels).labels
            np.testing.assert_array_equal(labels, np.where(source == value, label, 0))
            assert labels.dtype == np.uint8


def test_label_4_in_a_2023_file_stops_with_what_was_expected(tmp_path: Path) -> None:
    source = np.zeros((2, 3, 4), np.uint8)
    source[0, 0] = (1, 4, 4, 2)
    path = write_volume(tmp_path / "BraTS-GLI-00005-000-seg.nii.gz", source)
    (row,) = releases_named("brats2023")

    with pytest.raises(
        DataError, match=r"BraTS-GLI-00005-000.*label 4 \(2 voxels\).*expected 0, 1, 2, 3;"
    ):
        read_labels(path, row.labels)


@pytest.mark.parametrize("value", [0.5, -1.0, 2.02])
def test_values_between_the_labels_are_refused(tmp_path: Path, value: float) -> None:
    source = np.zeros((2, 3, 4), np.float32)
    source[0, 0, 0] = value
    path = write_volume(tmp_path / "seg.nii.gz", source)

    with pytest.raises(DataError, match=r"\(1 voxel\) is unknown"):
        read_labels(path, releases_named("brats2023")[0].labels)


def test_labels_stored_as_floats_are_labels(tmp_path: Path) -> None:
    source = np.zeros((2, 3, 4), np.float32)
    source[0, 0] = (0, 1, 2, 4)
    path = write_volume(tmp_path / "seg.nii.gz", source)

    volume = read_labels(path, releases_named("brats2021")[0].labels)

    assert volume.labels[0, 0].tolist() == [0, 1, 2, 3]
    assert volume.stored == (1, 2, 4)
    assert volume.grid.lps_spacing == (1, 1, 1)
    assert volume.rounded is None


@pytest.mark.parametrize(
    ("stored", "values"), [(np.uint8, "1.00392, 1.99216"), (np.int16, "1.00002, 2.00003")]
)
def test_labels_that_a_header_scales_are_labels_with_a_warning(
    tmp_path: Path, stored: type, values: str
) -> None:
    source = np.zeros((4, 3, 2))
    source[0, 0] = (1, 2)
    source[1, 0] = (4, 2)
    image = nib.Nifti1Image(source, np.diag([-1, -1, 1, 1]))
    image.set_data_dtype(stored)
    path = tmp_path / "seg.nii.gz"
    nib.save(image, path)

    volume = read_labels(path, releases_named("brats2021")[0].labels)

    assert volume.rounded == f"its labels {values} are read as 1, 2"
    expected = np.where(source == 4, 3, source).T
    np.testing.assert_array_equal(volume.labels, expected)


def test_an_image_in_place_of_a_segmentation_is_refused_at_once(tmp_path: Path) -> None:
    """Its half a million values are counted together, not one by one."""
    voxels = np.random.default_rng(0).uniform(1, 2, (32, 128, 128)).astype(np.float32)
    path = write_volume(tmp_path / "seg.nii", voxels)

    with pytest.raises(DataError, match="is unknown to its release"):
        read_labels(path, {0: 0})


@needs_real_patients
def test_the_original_labels_of_2021_become_the_renamed_ones() -> None:
    original = REAL / "brats_original_labels" / "BraTS2021_00006_seg.nii.gz"
    renamed = REAL / "brats" / "BraTS2021_00006" / "BraTS2021_00006-seg.nii.gz"

    labels = read_labels(original, releases_named("brats2021")[0].labels).labels

    np.testing.assert_array_equal(labels, sitk.GetArrayFromImage(sitk.ReadImage(str(renamed))))
    assert np.bincount(labels.ravel())[1:].tolist() == [25506, 85957, 26448]  # of its README


@needs_real_patients
@pytest.mark.parametrize("release", ["brats2021", "brats2020", "brats2017-2019"])
def test_label_3_of_2015_is_unknown_to_2017_and_later(release: str) -> None:
    original = REAL / "brats_original_labels" / "brats_2013_pat0006_1_OTMultiClass.nii.gz"

    with pytest.raises(
        DataError, match=r"label 3 \([\d,]+ voxels\) is unknown.*expected 0, 1, 2, 4"
    ):
        read_labels(original, releases_named(release)[0].labels)


@needs_real_patients
def test_the_brain_of_a_real_head_with_a_negative_background() -> None:
    path = REAL / "brats" / "brats_2013_pat0006_1" / "brats_2013_pat0006_1-t1c.nii.gz"

    volume = read_modality(path)
    found, brain = volume.normalised(), volume.brain

    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    np.testing.assert_array_equal(brain, voxels != voxels[0, 0, 0])
    assert brain.mean() == pytest.approx(0.12, abs=0.005)
    assert abs(found[brain].mean(dtype=np.float64)) < 1e-4
    assert abs(found[brain].std(dtype=np.float64) - 1) < 1e-4


@needs_real_patients
@pytest.mark.parametrize(
    "path", sorted((REAL / "lgg").glob("*/*-t2f.nii.gz")), ids=lambda path: path.parent.name
)
def test_the_heads_with_noise_round_them_fill_a_plausible_share(path: Path) -> None:
    brain = read_modality(path).brain

    assert 0.25 <= brain.mean() <= 0.45
    assert brain[:, [0, -1]].mean() < 0.05  # the rows at the edge are air


def declare(path: Path, *size: int) -> Path:
    """A file whose header declares a size in bytes of voxels, and which holds none."""
    if path.suffix == ".mha":
        header = (
            f"NDims = {len(size)}\nDimSize = {' '.join(map(str, size))}\n"
            "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
        )
        path.write_text(header, "ascii")
        return path
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(size)
    header["vox_offset"] = 352
    content = header.binaryblock + bytes(4)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["volume.nii", "volume.nii.gz", "volume.mha"])
@pytest.mark.parametrize("size", [(2048, 2048, 1000), (256, 256, 256, 9)])
def test_no_memory_is_taken_for_voxels_that_a_header_only_declares(
    tmp_path: Path, name: str, size: tuple[int, ...]
) -> None:
    path = declare(tmp_path / name, *size)
    channel = 0 if len(size) == 4 else None

    words = f"{name}: its header declares {' x '.join(map(str, size))} voxels, .* at most 134 mill"
    with pytest.raises(DataError, match=words):
        read_volume(path, channel)
    with pytest.raises(DataError, match=words):
        read_grid(path, channel)
