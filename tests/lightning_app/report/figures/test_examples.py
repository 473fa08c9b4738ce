"""Which cases are shown, and with which Dice."""

from pathlib import Path

import numpy as np
import pytest

from lightning_app.report.figures.examples import Gallery, gallery
from lightning_app.report.load.cohorts import cohorts
from lightning_app.report.load.runs import read_runs
from tests.helpers.runs.toy_runs import ASPP, UNET, Sizes, ToyRun

# The true masks are alike in all networks; P8 has no tumour.
ORDER = (0, 40, 5, 20, 10, 30, 15, 35)
CASES = {f"P{i}-000": (40, 40, both) for i, both in enumerate(ORDER)} | {"P8-000": (0, 0, 0)}
REVERSED = {f"P{i}-000": (40, 40, 40 - both) for i, both in enumerate(ORDER)} | {
    "P8-000": (0, 9, 0)
}


def shown(root: Path, *runs: ToyRun) -> Gallery:
    for run in runs:
        run.write(root)
    (cohort,) = cohorts(read_runs(root)[0])
    found = gallery(cohort, "t2f")
    assert found is not None
    return found


def test_cases_are_the_quartiles_of_aspp(tmp_path: Path) -> None:
    found = shown(tmp_path, ToyRun(REVERSED, network=UNET), ToyRun(CASES, network=ASPP))

    ranked = sorted(range(8), key=lambda i: ORDER[i])
    chosen = {words: case for case, words in found.chosen().items()}
    assert chosen == {
        "lowest": ranked[0],
        "lower quartile": ranked[2],  # round(0.25 * 7)
        "median": ranked[4],  # round(0.5 * 7), to even
        "upper quartile": ranked[5],
        "highest": ranked[7],
    }
    assert "Attention UNet + ASPP" in found.rule


def test_without_aspp_the_first_network_chooses_and_the_rule_says_so(tmp_path: Path) -> None:
    found = shown(tmp_path, ToyRun(CASES, network=UNET))
    assert "of UNet " in found.rule


def test_dice_is_that_of_the_masks(tmp_path: Path) -> None:
    found = shown(tmp_path, ToyRun(REVERSED, network=UNET), ToyRun(CASES, network=ASPP))
    assert [found.dice(1, case)[0] for case in range(9)] == pytest.approx(
        [*(both / 40 for both in ORDER), 1]
    )
    assert found.dice(0, 8) == np.array([0])


def test_a_network_without_masks_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    run = ToyRun(REVERSED, network=UNET).write(tmp_path)
    run.test().masks.unlink()
    found = shown(tmp_path, ToyRun(CASES, network=ASPP))
    assert [entry.network for entry in found.entries] == [ASPP]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("UNet, UNet_t2f/")


def test_masks_with_another_ground_truth_are_not_shown(tmp_path: Path) -> None:
    other: Sizes = dict.fromkeys(CASES, (12, 40, 0))
    found = shown(tmp_path, ToyRun(CASES, network=UNET), ToyRun(other, network=ASPP))
    assert [entry.network for entry in found.entries] == [UNET]
    assert found.notes == ["Attention UNet + ASPP: its masks show other slices"]


def test_masks_that_show_a_case_twice_are_left_out(tmp_path: Path) -> None:
    run = ToyRun(CASES, network=UNET).write(tmp_path)
    for path in (run.test().masks, run.test().images):
        with np.load(path) as file:
            arrays = dict(file)
        arrays["case"][1] = arrays["case"][0]
        np.savez_compressed(path, **arrays)
    found = shown(tmp_path, ToyRun(CASES, network=ASPP))
    assert [entry.network for entry in found.entries] == [ASPP]


def test_masks_of_cases_that_were_not_tested_are_left_out(tmp_path: Path) -> None:
    run = ToyRun(REVERSED, network=UNET).write(tmp_path / "runs")
    other = ToyRun({"Q0-000": (40, 40, 5)}, network=UNET).write(tmp_path / "other")
    for name in ("masks", "images"):
        getattr(other.test(), name).replace(getattr(run.test(), name))

    found = shown(tmp_path / "runs", ToyRun(CASES, network=ASPP))
    assert [entry.network for entry in found.entries] == [ASPP]
    assert "UNet: its masks are not of the tested cases" in found.notes
