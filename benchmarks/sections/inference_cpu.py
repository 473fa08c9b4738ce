"""An Attention U-Net on a CPU beside MONAI's: a test, a whole patient, and the latency of a batch.

    python -m benchmarks.sections.inference_cpu

Every side is a process of its own, which does its work once to warm up and then in turns of its
own; networks have random weights. What is read was made before: phantoms, and our cache of them.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.utils.measuring import Row, in_turns, measured_apart, ratio_row, show
from benchmarks.workers import inference_monai, inference_ours
from data_modules.phantom.dataset import write_phantom

IMAGES, OTHERS = 126, (5, 5)  # test images; of training and validation, as a split wants some
FEW = 8  # phantoms that the images are copies of
TURNS = 2
SIDES = {
    "ours": inference_ours.with_levers,
    "monai": inference_monai.as_installed,
    "monai_levers": inference_monai.with_levers,
}
TASKS = {
    "test": "126 images from the cache to masks and scores",
    "patient": "A patient of 240 x 240 x 155, from .nii.gz to a written NIfTI",
    "batch_1": "Latency of a batch of 1",
    "batch_32": "Latency of a batch of 32",
}
WIDTHS = [16, 32, 64, 128, 256]


def measure() -> list[Row]:
    """Each task: ours with cpu.yaml against MONAI, as installed and with every lever."""
    rows = []
    with TemporaryDirectory() as folder:
        prepare(Path(folder))
        for task, what in TASKS.items():
            rows += _rows(task, what, folder)
    return rows


def _rows(task: str, what: str, folder: str) -> list[Row]:
    sides = [_side(name, task, folder) for name in SIDES]
    seconds = dict(zip(SIDES, in_turns(*sides, turns=TURNS, warm_ups=0), strict=True))
    has_goal = task in {"test", "patient"}
    equal = f"widths 16 to 256, the images, batches, {torch.get_num_threads()} threads"
    same = f"{equal}, bfloat16, channels_last, folded batch normalisation, allocator"
    if task == "patient":
        same += ", slices without brain not run"
    return [
        ratio_row(f"{what}, against MONAI as installed", seconds["monai"], seconds["ours"],
                  goal=2.5 if has_goal else None, equal=equal),
        ratio_row(f"{what}, against MONAI with every lever", seconds["monai_levers"],
                  seconds["ours"], goal=1.2 if has_goal else None, equal=same),
    ]  # fmt: skip


def _side(name: str, task: str, folder: str) -> Callable[[], float]:
    return lambda: measured_apart("benchmarks.sections.inference_cpu", name, task, folder)[
        "seconds"
    ]


def prepare(folder: Path) -> None:
    """Phantoms of one slice for the test with their cache, and one of 155."""
    ids = write_phantom(folder / "few", FEW, 1, seed=0, modalities=["t2f"])
    for number in range(IMAGES + sum(OTHERS)):  # copies: a phantom takes its second
        case, source = f"BraTS-GLI-{number:05d}-000", ids[number % FEW]
        (folder / "images" / case).mkdir(parents=True)
        for file in (folder / "few" / source).iterdir():
            shutil.copy(file, folder / "images" / case / file.name.replace(source, case))
    write_phantom(folder / "patient", 1, 155, seed=1, modalities=["t2f"])
    inference_ours.slices_of(folder).prepare_data()


def main() -> None:
    """Measure and print; with a side, a task and prepared data, the seconds of that alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", nargs="?", choices=SIDES)
    parser.add_argument("task", nargs="?", choices=TASKS)
    parser.add_argument("data", nargs="?", type=Path)
    options = parser.parse_args()
    if options.side is None:
        show(measure())
        return
    torch.manual_seed(0)
    seconds = SIDES[options.side](options.task, options.data, WIDTHS)
    sys.stdout.write("\n" + json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
