"""The paper's full training on one data-centre GPU, in pieces of minutes.

    python -m benchmarks.sections.training_gpu            # all pieces that are not done yet
    python -m benchmarks.sections.training_gpu --piece peak --piece train_unet --output FOLDER
    python -m benchmarks.sections.training_gpu --collect --output FOLDER   # only show results

A piece that is done is not done again; one that was killed begins anew. Elsewhere than on a GPU
this tries the pieces, at a small --width, --epochs, --cases and --side.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from benchmarks.utils.measuring import ROOT, Row, show
from benchmarks.workers.gpu_pieces import LEVERS, NETWORKS, PIECES, SEEDS, Bench, Size
from lightning_app.utils.json_csv import read_json

OUTPUT = ROOT / "benchmarks" / "results" / "training_gpu"
WORK = ROOT / "cache" / "training_gpu"
MODALITIES = 3
TEST_IMAGES = 126
HELD = "middle slices of the phantom, 240 x 240, batch 32, real command line without W&B"


def measure() -> list[Row]:
    """The rows; the pieces that are missing are measured first where there is a GPU."""
    bench = Bench(OUTPUT, WORK, Size())
    if torch.cuda.is_available():
        for piece in PIECES:
            bench.run(piece)
    return rows(bench.output)


def rows(folder: Path) -> list[Row]:
    """The rows of the pieces in a folder; of those that are not there: not measured."""
    found = {
        piece: read_json(folder / f"{piece}.json")
        for piece in PIECES
        if (folder / f"{piece}.json").is_file()
    }
    peak = found.get("peak")
    table = [_peak_row(peak)]
    for network in NETWORKS:
        table += _network_rows(network, found.get(f"train_{network}"), peak)
    trained = [found.get(f"train_{network}") for network in NETWORKS]
    table.append(_grid_row([one for one in trained if one]))
    first = found.get("lever_float32")
    table += [_lever_row(lever, found.get(f"lever_{lever}"), first) for lever in LEVERS]
    table.append(_quality_row(found))
    return table


def _missing(what: str, wanted: str = "") -> Row:
    return Row(what, "not measured", wanted)


def _peak_row(peak: dict[str, Any] | None) -> Row:
    what = "the GPU's own rate in bfloat16"
    if peak is None:
        return _missing(what)
    product, convolution = (peak[name] / 1e12 for name in ("matrix_product", "convolution"))
    text = f"{product:.4g} TFLOP/s in a matrix product, {convolution:.4g} in a 3 x 3 convolution"
    return Row(what, text, equal=peak["machine"])


def _network_rows(
    network: str, piece: dict[str, Any] | None, peak: dict[str, Any] | None
) -> list[Row]:
    names = tuple(
        f"{network}: {what}, after warm-up" for what in ("training", "training, in the end", "test")
    )
    goals = (100, 65, 0.5)
    if piece is None:
        return [_missing(name, _wanted(goal)) for name, goal in zip(names, goals, strict=True)]
    size, rate = piece["size"], images_a_second(piece["others"])
    share = ""
    if peak:
        # A backward pass is twice a forward one; two operations a multiply-add.
        share = f", {6 * piece['multiply_adds'] * rate / peak['matrix_product']:.1%} of the peak"
    idle = sum(epoch["device_idle_seconds"] for epoch in piece["others"]) / len(piece["others"])
    about = (
        f"{rate:.0f} images/s{share}; {idle:.3f} s an epoch between steps; "
        f"the command with all that it does {piece['fit_seconds']:.0f} s"
    )
    tested = piece["test"]
    test_rate = tested["images_per_second"] or tested["images"] / tested["seconds"]
    warm_up = f"first batch {tested['warmup_seconds']:.2f} s"
    held = f"{size['epochs']} epochs, width {size['width']}, {HELD}; {piece['machine']}"
    seconds = whole_training(piece)
    return [
        _goal_row(names[0], seconds, goals[0], about, held),
        _goal_row(names[1], seconds, goals[1], "the same figure", held),
        _goal_row(names[2], TEST_IMAGES / test_rate, goals[2], warm_up, f"{TEST_IMAGES} images"),
    ]


def images_a_second(epochs: Sequence[dict[str, Any]]) -> float:
    """Images trained on in a second of training, over some epochs."""
    seconds = sum(epoch["training_seconds"] for epoch in epochs)
    return float(sum(epoch["images"] for epoch in epochs) / seconds)


def whole_training(piece: dict[str, Any]) -> float:
    """Seconds of training and validation of all epochs, the first taken to be like the others."""
    others = piece["others"]
    seconds = sum(epoch["training_seconds"] + epoch["validation_seconds"] for epoch in others)
    return float(seconds * (1 + len(others)) / len(others))


def _grid_row(trained: Sequence[dict[str, Any]]) -> Row:
    what, most = "the grid of 12: all commands, fit and test, one after the other", 20 * 60
    if len(trained) < len(NETWORKS):
        return _missing(what, _wanted(most))
    seconds = sum(piece["fit_seconds"] + piece["test_seconds"] for piece in trained)
    return _goal_row(what, MODALITIES * seconds, most, "three times that of t1c", "as above")


def _lever_row(lever: str, piece: dict[str, Any] | None, first: dict[str, Any] | None) -> Row:
    what = f"aspp, a batch of 32 in training: {'and ' if piece is not first else ''}{lever}"
    if piece is None or first is None:
        return _missing(what)
    own, before = (1000 * 32 / images_a_second(one["others"]) for one in (piece, first))
    text = (
        f"{own:.2f} ms, {before / own:.2f} times as fast as float32; "
        f"loss {piece['train_loss']:.4f} after {1 + len(piece['others'])} epochs"
    )
    return Row(what, text, equal=f"width {piece['size']['width']}; {piece['machine']}")


def _quality_row(found: dict[str, dict[str, Any]]) -> Row:
    what, wanted = "aspp: test Dice with gpu.yaml against float32", "within the spread of seeds"
    names = {
        side: [f"quality_{side}_{seed}" for seed in range(SEEDS)] for side in ("gpu", "float32")
    }
    if any(name not in found for several in names.values() for name in several):
        return _missing(what, wanted)
    ours, plain = ([found[name]["dice"] for name in several] for several in names.values())
    difference = statistics.mean(ours) - statistics.mean(plain)
    spread = max(plain) - min(plain)
    text = (
        f"{' / '.join(f'{dice:.4f}' for dice in ours)} against "
        f"{' / '.join(f'{dice:.4f}' for dice in plain)}: means differ by {difference:+.4f}, "
        f"float32's seeds by {spread:.4f}"
    )
    size = found[names["gpu"][0]]["size"]
    held = f"seeds, {size['quality_epochs']} epochs, width {size['width']}"
    return Row(what, text, wanted, abs(difference) <= spread, held)


def _goal_row(what: str, seconds: float, most: float, about: str, held: str) -> Row:
    return Row(what, f"{seconds:.3g} s; {about}", _wanted(most), seconds <= most, held)


def _wanted(seconds: float) -> str:
    return f"at most {seconds:g} s"


def main() -> None:
    """Measure pieces, and show what has been found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--piece", action="append", choices=PIECES, help="default: all")
    parser.add_argument("--collect", action="store_true", help="measure nothing")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="a file for every piece")
    parser.add_argument("--work", type=Path, default=WORK, help="phantom, slice cache and runs")
    for field in fields(Size):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    options = parser.parse_args()
    size = Size(**{field.name: getattr(options, field.name) for field in fields(Size)})
    bench = Bench(options.output.absolute(), options.work.absolute(), size)
    for piece in () if options.collect else options.piece or PIECES:
        bench.run(piece)
    show(rows(bench.output))


if __name__ == "__main__":
    main()
