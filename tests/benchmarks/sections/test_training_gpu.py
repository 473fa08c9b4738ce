from pathlib import Path
from typing import Any

import pytest

from benchmarks.sections.training_gpu import measure, rows
from benchmarks.utils.rows import Row
from lightning_app.utils.json_csv import read_json, write_json


def epoch(training: float, validation: float, images: int) -> dict[str, float]:
    return {
        "training_seconds": training,
        "validation_seconds": validation,
        "images": images,
        "device_idle_seconds": 0.25,
    }


def training(training_seconds: float, **more: float) -> dict[str, Any]:
    """Results of a piece of three epochs, the first of them slow."""
    return {
        "first": epoch(50, 5, 968),
        "others": [epoch(training_seconds, 2, 1000)] * 2,
        "multiply_adds": 10**9,
        "train_loss": 0.5,
        "test": {"images": 126, "images_per_second": 420.0, "seconds": 9, "warmup_seconds": 3.0},
        "fit_seconds": 90.0,
        "test_seconds": 10.0,
        "dice": 0.5,
        "machine": "a GPU",
        "size": {"epochs": 3, "width": 64, "quality_epochs": 3},
        **more,
    }


def row(folder: Path, measurement: str) -> Row:
    (match,) = [row for row in rows(folder) if row.measurement == measurement]
    return match


def test_without_results_every_row_says_not_measured(tmp_path: Path) -> None:
    table = rows(tmp_path)

    assert {row.result for row in table} == {"not measured"}
    assert {row.reached for row in table} == {None}
    assert row(tmp_path, "spp: training, the command").goal == "at most 120 s"
    assert row(tmp_path, "spp: training with the window, the command").goal == "at most 60 s"


def test_a_training_is_judged_by_the_time_of_its_command(tmp_path: Path) -> None:
    write_json(tmp_path / "train_unet.json", training(28))  # 3 epochs of 30 s
    write_json(tmp_path / "window_unet.json", training(28))
    write_json(
        tmp_path / "peak.json",
        {"matrix_product": 1e12, "convolution": 5e11, "machine": "a GPU"},
    )

    whole = row(tmp_path, "unet: training, the command")
    assert whole.result == (
        "90 s; 36 images/s, 21.4% of the peak; "  # 6e9 * 1000 / 28
        "0.250 s an epoch between steps; 90 s of training and validation after warm-up"
    )
    window = row(tmp_path, "unet: training with the window, the command")
    assert (whole.reached, window.reached) == (True, False)
    test = row(tmp_path, "unet: test, after warm-up")
    assert (test.result, test.reached) == ("0.3 s; first batch 3.00 s", True)
    assert row(tmp_path, "spp: training, the command").reached is None


@pytest.mark.parametrize(("seconds", "reached"), [(115.0, True), (116.0, False)])
def test_the_grid_adds_up_all_commands_on_three_modalities(
    seconds: float, reached: bool, tmp_path: Path
) -> None:
    for network in ("unet", "attention_unet", "spp", "aspp"):
        write_json(tmp_path / f"train_{network}.json", training(28, fit_seconds=seconds))

    (grid,) = [row for row in rows(tmp_path) if "grid of 12" in row.measurement]
    assert grid.reached == reached  # 3 * 4 * (115 + 10) = 1500


def test_an_optimisation_is_compared_with_float32(tmp_path: Path) -> None:
    write_json(tmp_path / "optimisation_float32.json", training(10))
    write_json(tmp_path / "optimisation_bfloat16.json", training(4))

    result = row(tmp_path, "aspp, a batch of 32 in training: and bfloat16").result
    assert result == "128.00 ms, 2.50 times as fast as float32; loss 0.5000 after 3 epochs"


@pytest.mark.parametrize(("shift", "reached"), [(0.01, True), (0.03, False)])
def test_quality_is_equal_if_the_means_differ_less_than_the_seeds(
    shift: float, reached: bool, tmp_path: Path
) -> None:
    for seed, dice in enumerate((0.80, 0.82, 0.81)):
        write_json(tmp_path / f"quality_float32_{seed}.json", training(1, dice=dice))
        write_json(tmp_path / f"quality_gpu_{seed}.json", training(1, dice=dice - shift))

    assert row(tmp_path, "aspp: test Dice with gpu.yaml against float32").reached == reached


def test_a_finished_piece_is_not_measured_again(tmp_path: Path) -> None:
    peak = {"matrix_product": 1e12, "convolution": 5e11, "machine": "a GPU"}
    write_json(tmp_path / "peak.json", peak)

    table = measure(tmp_path, ["peak"])

    assert table[0].result == "1 TFLOP/s in a matrix product, 0.5 in a 3 x 3 convolution"
    assert read_json(tmp_path / "peak.json") == peak
