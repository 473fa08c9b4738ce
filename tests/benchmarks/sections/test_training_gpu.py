from pathlib import Path
from typing import Any

import pytest

from benchmarks.sections.training_gpu import rows
from benchmarks.utils.measuring import Row, verdict
from benchmarks.workers.gpu_pieces import Bench, Size
from lightning_app.utils.json_csv import write_json


def epoch(training: float, validation: float, images: int) -> dict[str, float]:
    return {
        "training_seconds": training,
        "validation_seconds": validation,
        "images": images,
        "device_idle_seconds": 0.25,
    }


def trained(training: float, **more: float) -> dict[str, Any]:
    """A piece of three epochs, the first of them slow."""
    return {
        "first": epoch(50, 5, 968),
        "others": [epoch(training, 2, 1000)] * 2,
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


def row(folder: Path, what: str) -> Row:
    (found,) = [one for one in rows(folder) if one.what == what]
    return found


def test_without_a_piece_nothing_was_measured(tmp_path: Path) -> None:
    table = rows(tmp_path)

    assert {one.found for one in table} == {"not measured"}
    assert {verdict(one) for one in table} == {"", "not measured"}
    assert row(tmp_path, "spp: training, after warm-up").wanted == "at most 100 s"


def test_a_training_is_its_later_epochs_times_all_of_them(tmp_path: Path) -> None:
    write_json(tmp_path / "train_unet.json", trained(28))  # 3 epochs of 30 s
    write_json(
        tmp_path / "peak.json",
        {"matrix_product": 1e12, "convolution": 5e11, "machine": "a GPU"},
    )

    found = row(tmp_path, "unet: training, after warm-up")
    assert found.found.startswith("90 s; 36 images/s, 21.4% of the peak")  # 6e9 * 1000 / 28
    in_the_end = row(tmp_path, "unet: training, in the end, after warm-up")
    assert (found.reached, in_the_end.reached) == (True, False)
    test = row(tmp_path, "unet: test, after warm-up")
    assert (test.found, test.reached) == ("0.3 s; first batch 3.00 s", True)
    assert row(tmp_path, "spp: training, after warm-up").reached is None


@pytest.mark.parametrize(("seconds", "reached"), [(90.0, True), (91.0, False)])
def test_the_grid_is_all_commands_on_three_modalities(
    seconds: float, reached: bool, tmp_path: Path
) -> None:
    for network in ("unet", "attention_unet", "spp", "aspp"):
        write_json(tmp_path / f"train_{network}.json", trained(28, fit_seconds=seconds))

    (grid,) = [one for one in rows(tmp_path) if "grid of 12" in one.what]
    assert grid.reached == reached  # 3 * 4 * (90 + 10) = 1200


def test_a_lever_is_told_beside_the_first(tmp_path: Path) -> None:
    write_json(tmp_path / "lever_float32.json", trained(10))
    write_json(tmp_path / "lever_bfloat16.json", trained(4))

    found = row(tmp_path, "aspp, a batch of 32 in training: and bfloat16").found
    assert found == "128.00 ms, 2.50 times as fast as float32; loss 0.5000 after 3 epochs"


@pytest.mark.parametrize(("shift", "reached"), [(0.01, True), (0.03, False)])
def test_quality_is_equal_where_the_means_differ_less_than_the_seeds(
    shift: float, reached: bool, tmp_path: Path
) -> None:
    for seed, dice in enumerate((0.80, 0.82, 0.81)):
        write_json(tmp_path / f"quality_float32_{seed}.json", trained(1, dice=dice))
        write_json(tmp_path / f"quality_gpu_{seed}.json", trained(1, dice=dice - shift))

    assert row(tmp_path, "aspp: test Dice with gpu.yaml against float32").reached == reached


def test_a_piece_that_is_done_is_kept(tmp_path: Path) -> None:
    write_json(tmp_path / "peak.json", {"kept": 1})

    Bench(tmp_path, tmp_path, Size()).run("peak")

    assert '"kept": 1' in (tmp_path / "peak.json").read_text("utf-8")
