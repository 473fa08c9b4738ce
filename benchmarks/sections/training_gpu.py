"""The paper's full training on one data-centre GPU, measured in pieces of minutes.

A finished piece is not measured again; one that was killed starts again.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.utils.measuring import ROOT
from benchmarks.utils.rows import Row
from benchmarks.workers.gpu_pieces import NETWORKS, OPTIMISATIONS, PIECES, SEEDS, Bench
from lightning_app.utils.json_csv import read_json

WORK = ROOT / "cache" / "training_gpu"
MODALITIES = 3
TEST_IMAGES = 126
CONDITIONS = "middle slices of the phantom, 240 x 240, batch 32, real command line without W&B"
# Seconds: compilation, checkpoints and the start are part of a training's command.
TRAINING, WITH_WINDOW, TEST = (
    "training, the command",
    "training with the window, the command",
    "test",
)
GOALS = {TRAINING: 120, WITH_WINDOW: 60, TEST: 0.5}
GRID_GOAL = 25 * 60
Piece = dict[str, Any]


def measure(folder: Path, pieces: Sequence[str] | None = None) -> list[Row]:
    """Measure the pieces that have no results yet.

    Args:
        folder: holds the results of the pieces.
        pieces: what to measure; None for all if there is a GPU, and otherwise for none.

    Returns:
        The rows of all pieces with results.
    """
    if pieces is None:
        pieces = list(PIECES) if torch.cuda.is_available() else []
    bench = Bench(folder, WORK)
    for piece in pieces:
        bench.run(piece)
    return rows(folder)


def rows(folder: Path) -> list[Row]:
    """The rows of the pieces in a folder; a missing piece makes its rows "not measured"."""
    pieces = {
        name: read_json(folder / f"{name}.json")
        for name in PIECES
        if (folder / f"{name}.json").is_file()
    }
    peak = pieces.get("peak")
    table = [_peak_row(peak)]
    for network in NETWORKS:
        training = pieces.get(f"train_{network}")
        table += [
            _training_row(network, TRAINING, training, peak),
            _training_row(network, WITH_WINDOW, pieces.get(f"window_{network}"), None),
            _test_row(network, training),
        ]
    trainings = [pieces.get(f"train_{network}") for network in NETWORKS]
    table.append(_grid_row([training for training in trainings if training]))
    baseline = pieces.get("optimisation_float32")
    for name in OPTIMISATIONS:
        table.append(_optimisation_row(name, pieces.get(f"optimisation_{name}"), baseline))
    table.append(_quality_row(pieces))
    return table


def _missing(measurement: str, goal: str = "") -> Row:
    return Row(measurement, "not measured", goal)


def _peak_row(peak: Piece | None) -> Row:
    measurement = "the GPU's peak rate in bfloat16"
    if peak is None:
        return _missing(measurement)
    product, convolution = (peak[name] / 1e12 for name in ("matrix_product", "convolution"))
    result = f"{product:.4g} TFLOP/s in a matrix product, {convolution:.4g} in a 3 x 3 convolution"
    return Row(measurement, result, conditions=peak["machine"])


def _training_row(network: str, what: str, piece: Piece | None, peak: Piece | None) -> Row:
    measurement, goal = f"{network}: {what}", GOALS[what]
    if piece is None:
        return _missing(measurement, _at_most(goal))
    size = piece["size"]
    conditions = f"{size['epochs']} epochs, width {size['width']}, {CONDITIONS}; {piece['machine']}"
    return _goal_row(measurement, piece["fit_seconds"], goal, _details(piece, peak), conditions)


def _test_row(network: str, piece: Piece | None) -> Row:
    measurement, goal = f"{network}: {TEST}, after warm-up", GOALS[TEST]
    if piece is None:
        return _missing(measurement, _at_most(goal))
    test = piece["test"]
    rate = test["images_per_second"] or test["images"] / test["seconds"]
    warm_up = f"first batch {test['warmup_seconds']:.2f} s"
    return _goal_row(measurement, TEST_IMAGES / rate, goal, warm_up, f"{TEST_IMAGES} images")


def _details(piece: Piece, peak: Piece | None) -> str:
    """The rate, the idle time and the time without the first epoch's delays, in words."""
    epochs, rate = piece["others"], images_per_second(piece["others"])
    share = ""
    if peak:
        # A backward pass costs two forward passes; a multiply-add is two operations.
        share = f", {6 * piece['multiply_adds'] * rate / peak['matrix_product']:.1%} of the peak"
    idle = sum(epoch["device_idle_seconds"] for epoch in epochs) / len(epochs)
    return (
        f"{rate:.0f} images/s{share}; {idle:.3f} s an epoch between steps; "
        f"{total_seconds(piece):.3g} s of training and validation after warm-up"
    )


def images_per_second(epochs: Sequence[Piece]) -> float:
    """Training images per second of training, over several epochs."""
    seconds = sum(epoch["training_seconds"] for epoch in epochs)
    return float(sum(epoch["images"] for epoch in epochs) / seconds)


def total_seconds(piece: Piece) -> float:
    """Seconds of training and validation of all epochs, as if the first were like the others."""
    others = piece["others"]
    seconds = sum(epoch["training_seconds"] + epoch["validation_seconds"] for epoch in others)
    return float(seconds * (1 + len(others)) / len(others))


def _grid_row(trainings: Sequence[Piece]) -> Row:
    measurement, goal = "the grid of 12: all commands, fit and test, one after the other", GRID_GOAL
    if len(trainings) < len(NETWORKS):
        return _missing(measurement, _at_most(goal))
    seconds = sum(piece["fit_seconds"] + piece["test_seconds"] for piece in trainings)
    return _goal_row(measurement, MODALITIES * seconds, goal, "three times that of t1c", "as above")


def _optimisation_row(name: str, piece: Piece | None, baseline: Piece | None) -> Row:
    added = "" if piece is baseline else "and "
    measurement = f"aspp, a batch of 32 in training: {added}{name}"
    if piece is None or baseline is None:
        return _missing(measurement)
    ours, before = (1000 * 32 / images_per_second(p["others"]) for p in (piece, baseline))
    result = (
        f"{ours:.2f} ms, {before / ours:.2f} times as fast as float32; "
        f"loss {piece['train_loss']:.4f} after {1 + len(piece['others'])} epochs"
    )
    conditions = f"width {piece['size']['width']}; {piece['machine']}"
    return Row(measurement, result, conditions=conditions)


def _quality_row(pieces: dict[str, Piece]) -> Row:
    measurement = "aspp: test Dice with gpu.yaml against float32"
    goal = "within the spread of seeds"
    gpu, float32 = (
        [pieces.get(f"quality_{variant}_{seed}") for seed in range(SEEDS)]
        for variant in ("gpu", "float32")
    )
    if any(piece is None for piece in (*gpu, *float32)):
        return _missing(measurement, goal)
    ours, baseline = ([piece["dice"] for piece in variant if piece] for variant in (gpu, float32))
    difference = statistics.mean(ours) - statistics.mean(baseline)
    spread = max(baseline) - min(baseline)
    result = (
        f"{' / '.join(f'{dice:.4f}' for dice in ours)} against "
        f"{' / '.join(f'{dice:.4f}' for dice in baseline)}: means differ by {difference:+.4f}, "
        f"float32's seeds by {spread:.4f}"
    )
    size = pieces["quality_gpu_0"]["size"]
    conditions = f"seeds, {size['quality_epochs']} epochs, width {size['width']}"
    return Row(measurement, result, goal, abs(difference) <= spread, conditions)


def _goal_row(measurement: str, seconds: float, goal: float, details: str, conditions: str) -> Row:
    result = f"{seconds:.3g} s; {details}"
    return Row(measurement, result, _at_most(goal), seconds <= goal, conditions)


def _at_most(seconds: float) -> str:
    return f"at most {seconds:g} s"
