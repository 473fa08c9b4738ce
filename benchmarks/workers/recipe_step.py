"""CPU time with a window, and of augmentation: ``... recipe_step NETWORK WIDTH``."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from time import process_time

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

import models
from benchmarks.utils.measuring import alternate, print_figures
from benchmarks.utils.networks import widths_from
from benchmarks.utils.precision import autocast
from benchmarks.workers.training_step import Step, bare_step, random_slices
from callbacks.network.fuse_batch_norm import fused
from data_modules.augmentation.augmentation import Augmentation
from data_modules.augmentation.presets import PRESETS, Preset
from data_modules.batch_dataset import Batch
from lightning_app.losses import DiceCrossEntropy

BATCH = 16  # of real.yaml
WHOLE, WINDOW = (240, 240), (192, 160)
AUGMENTED: Sequence[Preset] = ("light", "strong")
ROUNDS = 5


def main() -> None:
    """Print the seconds of each variant in each round, as ``<variant>_<round>``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="a class of models")
    parser.add_argument("width", type=int, help="channels of the top level")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    workloads = _workloads(getattr(models, options.network), options.width)
    # Memory still grows in the second step.
    rounds = alternate(*workloads.values(), rounds=ROUNDS, warm_ups=2)
    print_figures(**{
        f"{name}_{number}": seconds
        for name, values in zip(workloads, rounds, strict=True)
        for number, seconds in enumerate(values)
    })  # fmt: skip


def _workloads(network: Callable[..., nn.Module], width: int) -> dict[str, Callable[[], float]]:
    step = bare_step(network(widths=widths_from(width)), DiceCrossEntropy())
    trained = network(widths=widths_from(width)).eval()
    convert_conv2d_weight_memory_format(trained, torch.channels_last)
    images, labels = random_slices(BATCH)
    sizes = {"whole": WHOLE, "window": WINDOW}
    cropped = {name: (images[..., :h, :w], labels[:, :h, :w]) for name, (h, w) in sizes.items()}
    steps = {name: partial(_step_seconds, step, *batch) for name, batch in cropped.items()}
    passes = {
        f"{name}_pass": partial(_pass_seconds, trained, image)
        for name, (image, _) in cropped.items()
    }
    presets = {
        str(preset): partial(
            _augmentation_seconds, Augmentation(PRESETS[preset](), seed=0), *cropped["window"]
        )
        for preset in AUGMENTED
    }
    return {**steps, **passes, **presets}


def _step_seconds(step: Step, images: Tensor, labels: Tensor) -> float:
    start = process_time()
    step(images, labels[:, None].float())
    return process_time() - start


def _pass_seconds(network: nn.Module, images: Tensor) -> float:
    """Of a forward pass as in ``predict`` with cpu.yaml."""
    with torch.inference_mode(), autocast(), fused(network):
        start = process_time()
        network(images)
        return process_time() - start


def _augmentation_seconds(augmentation: Augmentation, images: Tensor, labels: Tensor) -> float:
    """Of a batch, the drawing of parameters included."""
    samples = list(range(len(images)))
    batch: Batch = {"image": images, "labels": labels, "sample": torch.tensor(samples)}
    start = process_time()
    augmentation(batch, augmentation.draw(0, samples))
    return process_time() - start


if __name__ == "__main__":
    main()
