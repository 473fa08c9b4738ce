"""Segment patients with MONAI: ``python -m benchmarks.workers.patient_monai WIDTH PATIENTS``."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from monai.networks.nets.attentionunet import AttentionUnet
from monai.transforms.compose import Compose
from monai.transforms.intensity.array import NormalizeIntensity
from monai.transforms.io.array import LoadImage, SaveImage
from monai.transforms.utility.array import EnsureChannelFirst
from torch import nn

from benchmarks.utils.networks import fuse_batch_norm, widths_from
from benchmarks.utils.precision import autocast
from data_modules.utils.malloc import keep_freed_memory

SLICES_AT_ONCE = 16  # as our predict


def main() -> None:
    """Read each patient, segment its slices in batches, and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("width", type=int, help="of the first level")
    parser.add_argument("patients", type=Path, help="a folder of folders with *-t1c.nii.gz")
    parser.add_argument("--optimise", action="store_true", help="use our optimisations")
    options = parser.parse_args()
    network = AttentionUnet(2, 1, 1, widths_from(options.width), [2] * 4).eval()
    if options.optimise:
        keep_freed_memory()
        fuse_batch_norm(network)
        network.to(memory_format=torch.channels_last)
    with (
        torch.inference_mode(),
        autocast(enabled=options.optimise),
        TemporaryDirectory() as folder,
    ):
        for path in sorted(options.patients.rglob("*-t1c.nii.gz")):
            _segment(network, path, folder, optimise=options.optimise)


def _segment(network: nn.Module, path: Path, folder: str, *, optimise: bool) -> None:
    """If optimised, slices without brain are left out."""
    read = Compose([LoadImage(), EnsureChannelFirst(), NormalizeIntensity(nonzero=True)])
    write = SaveImage(folder, separate_folder=False, print_log=False, output_dtype="uint8")
    volume = read(path)  # (1, width, height, depth)
    slices = volume.as_tensor().permute(3, 0, 1, 2).contiguous()
    run = slices.flatten(1).any(dim=1) if optimise else torch.ones(len(slices)).bool()
    masks = torch.zeros_like(slices, dtype=torch.bool)
    masks[run] = torch.cat([network(batch) > 0 for batch in slices[run].split(SLICES_AT_ONCE)])
    volume.set_(masks.permute(1, 2, 3, 0).float().contiguous())
    write(volume)


if __name__ == "__main__":
    main()
