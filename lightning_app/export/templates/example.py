"""Segment a case prepared as in BraTS: example.py t1c=scan_t1c.nii.gz --output labels.nii.gz."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import SimpleITK as sitk
from scipy import ndimage

FOLDER = Path(__file__).resolve().parent
MODEL: dict[str, Any] = json.loads((FOLDER / "model.json").read_text("utf-8"))
IMAGES, OUTPUT = MODEL["images"], MODEL["output"]
BRAIN, FRAME = IMAGES["brain"], IMAGES["image_size"]  # the frame: height and width of all slices
LEAST_BRAIN = 0.001  # of the pixels of a slice; fewer are stray voxels
TOUCHING = np.pad(np.ones((1, 3, 3, 3)), [(1, 1), *[(0, 0)] * 3])  # of voxels in the same class
Array = np.ndarray[Any, Any]


def read(files: list[str]) -> list[sitk.Image]:
    """The image of each modality, in the order of the network's channels."""
    names = IMAGES["modalities"]
    paths = dict(file.split("=", 1) for file in files if file.partition("=")[0] in names)
    paths = paths or dict(zip(names, files, strict=False))
    if len(files) != len(names) or paths.keys() != set(names):
        raise SystemExit(f"error: {' '.join(files)}; expected {'=FILE '.join(names)}=FILE")
    try:
        images = [sitk.ReadImage(paths[name]) for name in names]
    except RuntimeError as error:
        raise SystemExit(f"error: {str(error).splitlines()[-1].strip()}") from None
    for image, part in ((i, p) for i in images for p in ("Size", "Spacing", "Direction")):
        found, first = (getattr(i, f"Get{part}")() for i in (image, images[0]))
        if image.GetDimension() != 3 or not np.allclose(found, first, rtol=0, atol=1e-3):
            raise SystemExit(f"error: {part} {found}, expected 3-D images on one grid")
    return images


def li_threshold(voxels: Array) -> float:
    """Li's threshold, found on intensities from 0 to 10,000: ITK's depends on their scale."""
    low, high = float(voxels.min()), float(voxels.max())
    scale, li = BRAIN["li_range"] / ((high - low) or 1), sitk.LiThresholdImageFilter()
    scaled = ((voxels.astype(np.float64) - low) * scale).astype(np.float32)
    li.Execute(sitk.GetImageFromArray(np.ascontiguousarray(scaled)))
    return float(np.float32(low + li.GetThreshold() / scale)) if high > low else low


def brain_mask(voxels: Array) -> Array:
    """All that differs from the background value; above Li's threshold if that is noise."""
    borders = np.concatenate([voxels[:, [0, -1], :].ravel(), voxels[:, :, [0, -1]].ravel()])
    values, counts = np.unique(borders, return_counts=True)
    background = float(values[counts.argmax()])
    differing: Array = voxels != background
    rest = voxels[differing]
    if not rest.size:
        raise SystemExit("error: an image is constant")
    most, step = BRAIN["largest_dim_share"], int((voxels.size / BRAIN["sample_size"]) ** (1 / 3))
    of_sample = li_threshold(voxels[::step, ::step, ::step]) if step > 1 else math.inf
    if np.mean(rest <= of_sample) <= most / 2:
        return differing
    threshold = li_threshold(voxels[:, ::2, ::2])
    low = background - BRAIN["well_below"] * (float(np.percentile(rest, 99)) - background)
    if np.mean(rest <= threshold) <= most or np.mean(rest < low) > BRAIN["largest_share_below"]:
        return differing
    return np.stack([ndimage.binary_fill_holes(bright) for bright in voxels > threshold])


def prepared(image: sitk.Image) -> tuple[Array, Array, Array]:
    """Z-scores over the brain, 0 outside it, float32 (D, H, W), the brain, its share of slices."""
    voxels = sitk.GetArrayFromImage(sitk.DICOMOrient(image, IMAGES["orientation"]))
    voxels = voxels.astype(np.float32) if voxels.dtype.itemsize > 2 else voxels
    if not np.isfinite(voxels).all():
        raise SystemExit("error: an image has voxels that are NaN or infinite")
    brain = brain_mask(voxels)
    inside = voxels[brain].astype(np.float64)
    mean = inside.mean()
    inside -= mean
    deviation = np.float32(np.sqrt(inside @ inside / inside.size))
    if deviation == 0:
        raise SystemExit("error: all voxels of the brain are equal")
    scores = (voxels.astype(np.float32) - np.float32(mean)) / deviation
    scores = np.where(brain, scores, np.float32(0))
    return crop_or_pad(scores, FRAME), crop_or_pad(brain, FRAME), brain.mean(axis=(1, 2))


def crop_or_pad(volume: Array, size: tuple[int, ...]) -> Array:
    """Crop or pad height and width about their centre; an odd difference goes to the end."""
    for axis, new in zip((1, 2), size, strict=True):
        old = volume.shape[axis]
        index = np.arange(new) - int((new - old) / 2)
        inside = ((index >= 0) & (index < old)).reshape(-1, *[1] * (2 - axis))
        volume = volume.take(index, axis, mode="clip") * inside
    return volume


def window(brain: Array) -> tuple[slice, slice]:
    """Rows and columns that the network gets: centred on the brain, larger if it does not fit."""
    step, parts = IMAGES["window_step"], []
    for axis, (length, limit) in enumerate(zip(IMAGES["window"] or FRAME, FRAME, strict=True)):
        has_brain = np.flatnonzero(brain.any(axis=(0, 2 - axis))).tolist() or [0, limit - 1]
        first, last = has_brain[0], has_brain[-1]
        needed = max(length, min(-(-(last + 1 - first) // step) * step, limit))
        start = min(max((first + last + 1 - needed) // 2, 0), limit - needed)
        parts.append(slice(start, start + needed))
    return parts[0], parts[1]


def predicted(image: Array, part: tuple[slice, slice]) -> Array:
    """Masks of the classes, bool (classes, D, H, W), of images (D, modalities, H, W)."""
    session = onnxruntime.InferenceSession(FOLDER / "model.onnx")
    masks = np.zeros((len(image), len(OUTPUT["classes"]), *image.shape[2:]), np.bool_)
    for index in np.flatnonzero(image.any(axis=(1, 2, 3))).tolist():
        (found,) = session.run(None, {"image": image[index : index + 1, :, *part]})[0]
        if OUTPUT["exclusive"]:  # the most probable channel wins; channel 0 is the background
            found = found.argmax(axis=0) == np.arange(1, len(found)).reshape(-1, 1, 1)
        else:  # a pixel of a class belongs to the classes around it, which come before it
            found = np.maximum.accumulate(found[::-1])[::-1]
        masks[index, :, *part] = found > OUTPUT["threshold"]
    return masks.swapaxes(0, 1)


def postprocess(masks: Array, voxel: float) -> None:
    """Change masks (classes, D, H, W) by the operations of model.json; a voxel is in mm^3."""
    of_class = dict(zip(OUTPUT["classes"], masks, strict=True))
    for step in OUTPUT["operations"]:
        if step["name"] == "small_enhancing_to_core":
            if of_class["enhancing"].sum() * voxel < step["mm3"]:
                for name in of_class.keys() & {"core", "necrotic"}:
                    of_class[name] |= of_class["enhancing"]
                of_class["enhancing"][:] = False
            continue
        is_largest = step["name"] == "largest_component"
        found = masks.any(axis=0, keepdims=True) if is_largest else masks
        labels, count = ndimage.label(found, TOUCHING)
        sizes = np.bincount(labels.ravel(), weights=found.ravel())  # that of the background is 0
        largest = np.arange(count + 1) == sizes.argmax()
        masks &= (largest if is_largest else sizes * voxel >= step["mm3"])[labels]


parser = argparse.ArgumentParser(description=f"Segment {OUTPUT['target']} in a case.")
parser.add_argument("files", nargs="+", help=f"{' '.join(IMAGES['modalities'])}, or NAME=FILE each")
parser.add_argument("--output", required=True, help="the label map, such as labels.nii.gz")
options = parser.parse_args()
images = read(options.files)
channels, brains, shares = zip(*map(prepared, images), strict=True)
image = np.stack(channels, axis=1)
image[np.max(shares, axis=0) < LEAST_BRAIN] = 0
masks = predicted(image, window(np.any(brains, axis=0)))
oriented = sitk.DICOMOrient(images[-1], IMAGES["orientation"])
postprocess(masks, math.prod(oriented.GetSpacing()[::-1]))
labels = np.zeros(masks.shape[1:], np.uint8)
for label in OUTPUT["labels"]:  # later ones overwrite earlier ones
    labels[masks[OUTPUT["classes"].index(label["class"])]] = label["value"]
written = sitk.GetImageFromArray(crop_or_pad(labels, oriented.GetSize()[1::-1]))
written.CopyInformation(oriented)
axes = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(images[0].GetDirection())
written = sitk.DICOMOrient(written, axes)
written.CopyInformation(images[0])
try:
    sitk.WriteImage(written, options.output, useCompression=True)
except RuntimeError as error:
    raise SystemExit(f"error: {str(error).splitlines()[-1].strip()}") from None
