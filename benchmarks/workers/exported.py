"""An exported network of random weights: ``python -m benchmarks.workers.exported NAME WIDTH``.

Prints the size of its graph, how its graph differs from the network, and the milliseconds of CPU
time an image by each runtime, which take turns.
"""

import argparse
import os
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

import models
from benchmarks.utils.measuring import alternate, print_figures
from benchmarks.utils.networks import widths_from
from benchmarks.utils.phantoms import phantom
from benchmarks.utils.precision import autocast
from callbacks.network.fuse_batch_norm import fused
from data_modules.case_volume import read_case
from data_modules.catalog.cases import find_cases
from data_modules.utils.malloc import keep_freed_memory
from lightning_app.export.network import WithProbabilities
from lightning_app.export.onnx_file import write_onnx
from lightning_app.export.runtimes.decoding import Images, Runner
from lightning_app.export.runtimes.onnx_runtime import onnx_runner
from lightning_app.export.runtimes.openvino_runtime import (
    openvino_runner,
    read_graph,
    without_telemetry,
)

SIZE = (240, 240)
BATCH = 4  # of torch; the runtimes get one image at a time, as from predict
CALIBRATION = 8  # images
ROUNDS = 3


def main() -> None:
    """Measure a network and print its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network", help="its class in models")
    parser.add_argument("width", type=int, help="of the first level")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    keep_freed_memory()
    os.environ["OMP_NUM_THREADS"] = "1"
    widths = widths_from(options.width)
    network = getattr(models, options.network)(1, 1, widths).eval()
    with TemporaryDirectory() as folder:
        images = _images(Path(folder))
        _spread_logits(network, images)
        with_probabilities = WithProbabilities(network, exclusive=False).eval()
        graph = Path(folder) / "model.onnx"
        write_onnx(with_probabilities, torch.zeros(2, 1, *SIZE), graph)
        runners = {"onnx": onnx_runner(graph.read_bytes(), graph.name)}
        runners["openvino"] = openvino_runner(graph.read_bytes(), None, graph.name)
        runners["int8"] = _quantised(graph, images)
        figures = _differences(with_probabilities, runners["onnx"], images)
        figures["bytes"] = graph.stat().st_size
        print_figures(**figures, **_milliseconds(network, runners, images))


def _images(folder: Path) -> Images:
    """Slices with brain of a synthetic patient, (N, 1, H, W)."""
    (case,) = find_cases(phantom(folder, 1, 24), "auto")
    image = read_case(case, ["t1c"], SIZE).image
    with_brain = image[image.any(axis=(1, 2, 3))]
    chosen = np.linspace(0, len(with_brain) - 1, CALIBRATION).round().astype(int)
    images: Images = with_brain[chosen]
    return images


def _spread_logits(network: nn.Module, images: Images) -> None:
    """Give the network the statistics of images, and logits around 0 as trained ones have."""
    network.train()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over all batches
        network(torch.from_numpy(images))
        logits = network.eval()(torch.from_numpy(images))
        head = network.get_submodule("head")
        assert isinstance(head, nn.Conv2d)
        assert head.bias is not None
        scale = 3 / logits.std()
        head.weight *= scale
        head.bias.copy_(scale * (head.bias - logits.quantile(0.9)))


def _quantised(graph: Path, images: Images) -> Runner:
    openvino, nncf = without_telemetry("openvino"), without_telemetry("nncf")
    with redirect_stdout(StringIO()):
        dataset = nncf.Dataset([image[np.newaxis] for image in images])
        found = nncf.quantize(read_graph(graph.read_bytes()), dataset, subset_size=CALIBRATION)
    path = graph.with_name("model_int8.xml")
    openvino.save_model(found, path, compress_to_fp16=False)
    weights = path.with_suffix(".bin").read_bytes()
    return openvino_runner(path.read_bytes(), weights, path.name)


def _differences(network: nn.Module, run: Runner, images: Images) -> dict[str, float]:
    """How a graph differs from its network, image by image as ``predict --model`` runs it."""
    with torch.inference_mode():
        expected = network(torch.from_numpy(images)).numpy()
    found = np.concatenate([run(image[np.newaxis]) for image in images])
    changed = np.count_nonzero((found > 0.5) != (expected > 0.5))
    largest = float(np.abs(found - expected).max())
    return {"difference": largest, "changed": float(changed), "pixels": float(expected.size)}


def _milliseconds(
    network: nn.Module, runners: dict[str, Runner], images: Images
) -> dict[str, float]:
    batch = torch.from_numpy(images[:BATCH])
    workloads: dict[str, Callable[[], float]] = {
        "torch": lambda: _by_torch(network, batch, optimise=False),
        "cpu_yaml": lambda: _by_torch(network, batch, optimise=True),
        **{name: partial(_by_runtime, run, images) for name, run in runners.items()},
    }
    seconds = alternate(*workloads.values(), rounds=ROUNDS)
    return {
        f"ms_{name}": 1e3 * median(found) for name, found in zip(workloads, seconds, strict=True)
    }


def _by_torch(network: nn.Module, batch: torch.Tensor, *, optimise: bool) -> float:
    """Seconds of CPU time an image, as installed or with cpu.yaml."""
    order = torch.channels_last if optimise else torch.contiguous_format
    convert_conv2d_weight_memory_format(network, order)
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(autocast(enabled=optimise))
        if optimise:
            stack.enter_context(fused(network))
        start = process_time()
        network(batch)
        return (process_time() - start) / len(batch)


def _by_runtime(run: Runner, images: Images) -> float:
    """Seconds of CPU time an image."""
    start = process_time()
    for image in images[:BATCH]:
        run(image[np.newaxis])
    return (process_time() - start) / BATCH


if __name__ == "__main__":
    main()
