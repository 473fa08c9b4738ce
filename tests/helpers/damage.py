"""Every kind of damaged file that we know of, made from a good toy case."""

import gzip
import math
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from tests.helpers.toy import toy_labels, write_volume

CASE = "BraTS-GLI-00001-000"
Damage = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of damage to case 1 of a toy data set, and its message.

    Attributes:
        damage: damages the case, given the root of the data set.
        what: part of the message that names the problem.
        remedy: part of the message that names the remedy.
    """

    damage: Damage
    what: str
    remedy: str


def file(root: Path, what: str = "t1c") -> Path:
    return root / CASE / f"{CASE}-{what}.nii.gz"


def voxels_of(path: Path) -> NDArray[np.generic]:
    voxels: NDArray[np.generic] = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    return voxels


def bytes_changed(change: Callable[[bytes], bytes]) -> Damage:
    """Change the compressed bytes of the image."""
    return lambda root: file(root).write_bytes(change(file(root).read_bytes()))


def header_changed(offset: int, form: str, *values: float) -> Damage:
    """Change fields in the image's header."""

    def damage(root: Path) -> None:
        raw = bytearray(gzip.decompress(file(root).read_bytes()))
        struct.pack_into(form, raw, offset, *values)
        file(root).write_bytes(gzip.compress(bytes(raw)))

    return damage


def image_changed(change: Callable[[NDArray[np.float32]], object]) -> Damage:
    """Change the voxels of the image, as floats."""

    def damage(root: Path) -> None:
        voxels = voxels_of(file(root)).astype(np.float32)
        change(voxels)
        write_volume(file(root), voxels)

    return damage


def segmentation(voxels: NDArray[np.generic], **grid: Any) -> Damage:
    """Replace the segmentation."""
    return lambda root: write_volume(file(root, "seg"), voxels, **grid)


def dimensions(*shape: int) -> Damage:
    """Replace the image by one with another number of dimensions."""

    def damage(root: Path) -> None:
        voxels = np.arange(math.prod(shape), dtype=np.int16).reshape(shape)
        sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=False), str(file(root)))

    return damage


def sheared(by: float) -> Damage:
    """Shear the axes in the image's header, so that they are not perpendicular."""

    def damage(root: Path) -> None:
        affine = np.diag([-1.0, -1, 1, 1])
        affine[1, 3] = 239
        affine[0, 1] = by
        image = nib.Nifti1Image(voxels_of(file(root)).transpose(), affine)
        image.set_qform(None, 0)
        image.set_sform(affine, 1)
        nib.save(image, file(root))

    return damage


def linked(target: str) -> Damage:
    """Replace the image by a symbolic link."""

    def damage(root: Path) -> None:
        file(root).unlink()
        file(root).symlink_to(target)

    return damage


def folder(root: Path) -> None:
    file(root).unlink()
    file(root).mkdir()


def pipe(root: Path) -> None:
    file(root).unlink()
    os.mkfifo(file(root))


def twice(root: Path) -> None:
    shutil.copytree(root / CASE, root / "copy" / CASE)


def uncompressed_and_cut(root: Path) -> None:
    content = gzip.decompress(file(root).read_bytes())
    file(root).unlink()
    file(root).with_suffix("").write_bytes(content[: len(content) // 2])


AGAIN = "copy or download it again"
TILT = (math.cos(0.1), -math.sin(0.1), 0, math.sin(0.1), math.cos(0.1), 0, 0, 0, 1)
LABELS = toy_labels(1)

BAD = {
    "gzip cut short": Kind(bytes_changed(lambda b: b[: len(b) // 2]), "is cut short: ", AGAIN),
    "gzip without its end": Kind(bytes_changed(lambda b: b[:-3]), "is cut short: ", AGAIN),
    "nii cut short": Kind(uncompressed_and_cut, "is cut short: ", AGAIN),
    "zero bytes": Kind(bytes_changed(lambda _: b""), "is empty, 0 bytes", AGAIN),
    "text": Kind(bytes_changed(lambda _: b"no image"), "is not gzip-compressed", AGAIN),
    "a packed web page": Kind(
        bytes_changed(lambda _: gzip.compress(b"<html>" * 99)), "is not a NIfTI file", AGAIN
    ),
    "wrong checksum": Kind(
        bytes_changed(lambda b: b[:-6] + bytes([b[-6] ^ 1]) + b[-5:]), "is damaged (CRC", AGAIN
    ),
    "more bytes at the end": Kind(bytes_changed(lambda b: b + b"more"), "is damaged", AGAIN),
    "missing modality": Kind(
        lambda root: file(root).unlink(), "has no t1c image, only t1n, t2w, t2f", "leave the case"
    ),
    "missing segmentation": Kind(
        lambda root: file(root, "seg").unlink(), "has no segmentation", "leave the case out"
    ),
    "segmentation of another size": Kind(
        segmentation(toy_labels(1, depth=5)), "size 40 x 40 x 4 differs from 40 x 40 x 5", "grid"
    ),
    "segmentation of another spacing": Kind(
        segmentation(LABELS, spacing=(1, 1, 3)), "spacing 1 x 1 x 1 differs from 1 x 1 x 3", "grid"
    ),
    "segmentation of another direction": Kind(
        segmentation(LABELS, direction=TILT), "1 differs from 0.995, -0.09983", "grid"
    ),
    "segmentation with swapped axes": Kind(
        segmentation(np.ascontiguousarray(LABELS.transpose(2, 1, 0))),
        "size 40 x 40 x 4 differs from 4 x 40 x 40",
        "resample one to the grid",
    ),
    "sheared axes": Kind(sheared(0.05), "are not orthogonal", "header of another file"),
    "NaN": Kind(
        image_changed(lambda v: v.__setitem__((1, 20, slice(20, 23)), np.nan)),
        "NaN or infinite in 3 voxels",
        "replace them",
    ),
    "infinite": Kind(
        image_changed(lambda v: v.__setitem__((1, 20, 20), np.inf)),
        "NaN or infinite in 1 voxel",
        "replace",
    ),
    "constant image": Kind(image_changed(lambda v: v.fill(7)), "all voxels are 7", AGAIN),
    "all-zero image": Kind(image_changed(lambda v: v.fill(0)), "all voxels are 0", AGAIN),
    "unknown label": Kind(
        segmentation(LABELS + np.uint8(4) * (LABELS == 3)), "label 7 (", "--data.release"
    ),
    "fractional labels": Kind(
        segmentation(LABELS.astype(np.float32) / 2), "label 0.5 (", "nearest neighbour"
    ),
    "2-D": Kind(dimensions(40, 40), "has 2 dimensions (40 x 40) with", "one volume per file"),
    "4-D": Kind(dimensions(2, 4, 40, 40), "has 4 dimensions (40 x 40 x 4 x 2)", "one volume"),
    "the same id twice": Kind(twice, "was found 2 times: also in ", "keep one of the copies"),
    "broken link": Kind(linked("gone.nii.gz"), "is a link to 'gone.nii.gz', which", "fetch"),
    "link to itself": Kind(linked(f"{CASE}-t1c.nii.gz"), "cannot be read: ", "permissions"),
    "folder": Kind(folder, "is a folder, expected a file", "replace it by the file"),
    "pipe": Kind(pipe, "is a pipe or a device, expected a file", "replace it by the file"),
    "size of zero": Kind(header_changed(42, "<hhh", 40, 0, 4), "the size 40 x 0 x 4", AGAIN),
    "negative size": Kind(header_changed(42, "<h", -40), "declares the size -40 x 40 x 4", AGAIN),
    "spacing of zero": Kind(header_changed(80, "<f", 0), "spacing 0 x 1 x 1 mm", "correct spacing"),
    "a terabyte": Kind(
        header_changed(42, "<hhh", 30000, 30000, 600), "30000 x 600 voxels, 540000 million,", AGAIN
    ),
    "unknown voxel type": Kind(header_changed(70, "<h", 999), "voxels of type 999", AGAIN),
    "voxels of a bit": Kind(header_changed(70, "<hh", 1, 1), "voxels of type 1,", "8, 16, 32 or"),
    "no voxel type": Kind(header_changed(70, "<hh", 0, 0), "voxels of type 0,", "8, 16, 32 or"),
    "128 bits": Kind(header_changed(70, "<hh", 1536, 128), "voxels of type 1536,", "8, 16, 32 or"),
}  # fmt: skip


def noise(voxels: NDArray[np.float32]) -> None:
    outside = voxels == 0
    voxels[outside] = np.random.default_rng(0).integers(0, 5, int(outside.sum()))


def sibling(root: Path) -> None:
    path = file(root)
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))


WARNED = {
    "segmentation of another origin": Kind(
        segmentation(LABELS, origin=(0, 0, 0)), "origin 0, -239, 0 differs", "on the tumour"
    ),
    "uncompressed sibling": Kind(sibling, "duplicates ", "delete one of the two"),
}

LEGAL: dict[str, Damage] = {
    "empty mask": segmentation(np.zeros_like(LABELS)),
    "labels stored as floats": segmentation(LABELS.astype(np.float64)),
    "negative background": image_changed(lambda v: v.__isub__(np.float32(300))),
    "noisy background": image_changed(noise),
    "not quite right angles": sheared(1e-5),
}


def axes_swapped_in_the_header_too(root: Path) -> None:
    """Store image and segmentation as sagittal slices, with headers that say so."""
    for what in ("t1c", "seg"):
        image = sitk.ReadImage(str(file(root, what)))
        sitk.WriteImage(sitk.DICOMOrient(image, "PIR"), str(file(root, what)))


LEGAL["swapped axes that the header tells of"] = axes_swapped_in_the_header_too
