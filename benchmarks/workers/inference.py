"""Time one variant of one inference task: ``python -m benchmarks.workers.inference``."""

import argparse
from pathlib import Path

import torch

from benchmarks.utils.measuring import print_figures
from benchmarks.workers import inference_monai, inference_ours

WIDTHS = [16, 32, 64, 128, 256]
VARIANTS = {
    "ours": inference_ours.optimised,
    "monai": inference_monai.optimised,
}


def main() -> None:
    """Time the variant and print its CPU seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("task", help="test, or batch_N")
    parser.add_argument("data", type=Path, help="the data that the section has written")
    options = parser.parse_args()
    torch.manual_seed(0)
    print_figures(seconds=VARIANTS[options.variant](options.task, options.data, WIDTHS))


if __name__ == "__main__":
    main()
