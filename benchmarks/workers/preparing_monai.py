"""The preparing benchmark with MONAI: a PersistentDataset, filled by two loader processes."""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import deflate
import nibabel as nib
import numpy as np
import torch
from monai import transforms
from monai.data import PersistentDataset
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from benchmarks.utils.measuring import cpu_so_far, print_figures
from benchmarks.utils.memory import PeakMemory
from benchmarks.workers.preparing_ours import PROCESSES, limit_cores

KEYS = ("image", "label")
Sample = dict[str, Any]


def middle_slice(sample: Mapping[str, Any]) -> Sample:
    """The middle slice (1, x, y) of images (1, x, y, z): the one that ours takes."""
    return {key: sample[key][..., sample[key].shape[-1] // 2].clone() for key in KEYS}


def optimised_load(files: Mapping[str, str], slices: str) -> Sample:
    """Image float16 and label uint8, (slices, y, x), read with our optimisations.

    These are libdeflate, plain arrays without metadata, and statistics of the brain alone.
    """
    image, label = (_read(files[key]) for key in KEYS)
    brain = image != 0
    inside = image[brain].astype(np.float64)
    mean, deviation = np.float32(inside.mean()), np.float32(inside.std())
    if slices == "middle":
        chosen = np.array([len(image) // 2])
    else:
        chosen = np.flatnonzero([mask.any() for mask in brain])
    scored = np.zeros((len(chosen), *image.shape[1:]), np.float16)
    for output, index in zip(scored, chosen, strict=True):
        values = (image[index].astype(np.float32) - mean) / deviation
        np.copyto(output, values, casting="same_kind", where=brain[index])
    return {"image": scored, "label": label[chosen].astype(np.uint8)}


def _read(path: str) -> NDArray[Any]:
    """Voxels (z, y, x) in the order of the file, which for the phantom is LPS already."""
    content = deflate.gzip_decompress(Path(path).read_bytes())
    header = nib.Nifti1Header(content[:348])
    return np.frombuffer(content, header.get_data_dtype(), offset=header.get_data_offset()).reshape(
        header.get_data_shape()[::-1]
    )


def as_installed(slices: str) -> list[Any]:
    """The transforms of MONAI's tutorials, for a z-score over non-zero voxels."""
    chain = [
        transforms.LoadImaged(keys=KEYS),
        transforms.EnsureChannelFirstd(keys=KEYS),
        transforms.Orientationd(keys=KEYS, axcodes="LPS", labels=None),
        transforms.NormalizeIntensityd(keys="image", nonzero=True, channel_wise=True),
    ]
    # MONAI caches the output of transforms only; a plain function would run every time.
    return [*chain, transforms.Lambda(middle_slice)] if slices == "middle" else chain


def optimised(slices: str) -> list[Any]:
    """Everything in one transform."""
    return [transforms.Lambda(partial(optimised_load, slices=slices))]


def main() -> None:
    """Fill the cache, and print the seconds, the peak memory and the size of the cache."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--slices", choices=["middle", "all"], required=True)
    parser.add_argument("--optimise", action="store_true", help="use our optimisations")
    options = parser.parse_args()
    limit_cores(PROCESSES)
    torch.set_num_threads(1)
    files = [
        {"image": str(image), "label": str(image).replace("-t1c", "-seg")}
        for image in sorted(options.root.glob("*/*-t1c.nii.gz"))
    ]
    chain = optimised if options.optimise else as_installed
    start, cpu = perf_counter(), cpu_so_far()
    with PeakMemory() as peak:
        dataset = PersistentDataset(files, chain(options.slices), cache_dir=options.cache)
        for _ in DataLoader(dataset, batch_size=None, num_workers=PROCESSES):
            pass
    seconds, cpu = perf_counter() - start, cpu_so_far() - cpu
    size = sum(file.stat().st_size for file in options.cache.glob("*.pt"))
    print_figures(seconds=seconds, cpu=cpu, mebibytes=peak.mebibytes, bytes=size)


if __name__ == "__main__":
    main()
