"""Scores of volumes: all of ours, compared with MONAI's distances and Dice alone.

The cases are phantoms with three regions; the prediction is the ground truth moved by a few voxels,
with some invented lesions.
"""

import statistics
from time import process_time

import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice
from numpy.typing import NDArray

from benchmarks.utils.measuring import alternate
from benchmarks.utils.rows import Row, bound_row, ratio_row
from data_modules.phantom.case import phantom_case
from lightning_app.evaluation.inputs.values import REGIONS
from lightning_app.metrics.case_masks import CaseMasks
from lightning_app.metrics.case_tables import score_case

CASES, DEPTH, SEED, ROUNDS = 4, 155, 0, 5
GOAL = 1.9  # seconds a case
MOVED = (1, 2, -1)  # voxels
INVENTED, SIDE = 3, 6  # lesions, and their side in voxels
SPACING, TOLERANCE = (1.0, 1.0, 1.0), 1.0
CONDITIONS = (
    f"CPU time, one thread, {CASES} phantoms of 240 x 240 x {DEPTH} with three regions each; the "
    "masks are in memory"
)

Masks = NDArray[np.bool_]


def measure() -> list[Row]:
    """The time of a case, and its ratio to MONAI's."""
    torch.set_num_threads(1)
    cases = [_case(index) for index in range(CASES)]
    ours, monai = alternate(
        lambda: _seconds_of_ours(cases), lambda: _seconds_of_monai(cases), rounds=ROUNDS
    )
    return [
        bound_row(
            "every score of three regions", statistics.median(ours) / CASES, "s a case",
            at_most=GOAL, conditions=CONDITIONS,
        ),
        ratio_row(
            "every score of ours, against MONAI's Dice, HD95 and NSD", monai, ours,
            goal=1, conditions=f"{CONDITIONS}; MONAI's have no lesions, and measure between voxels",
        ),
    ]  # fmt: skip


def _case(index: int) -> tuple[Masks, Masks]:
    """Reference and prediction, (D, regions, H, W)."""
    labels = phantom_case(SEED, index, DEPTH, ()).labels
    predicted = np.roll(labels, MOVED, axis=(0, 1, 2))
    rng = np.random.default_rng(index)
    for corner in rng.integers(40, 100, size=(INVENTED, 3)):
        predicted[tuple(slice(start, start + SIDE) for start in corner)] = max(labels.max(), 1)
    reference, prediction = (
        np.stack([np.isin(array, values) for values in REGIONS.values()], axis=1)
        for array in (labels, predicted)
    )
    return reference, prediction


def _seconds_of_ours(cases: list[tuple[Masks, Masks]]) -> float:
    start = process_time()
    for reference, prediction in cases:
        masks = CaseMasks("case", "patient", range(DEPTH), prediction, reference, SPACING)
        score_case(masks, tuple(REGIONS))
    return process_time() - start


def _seconds_of_monai(cases: list[tuple[Masks, Masks]]) -> float:
    start = process_time()
    for reference, prediction in cases:
        y_pred, y = (
            torch.from_numpy(mask.swapaxes(0, 1)[None].astype(np.float32))
            for mask in (prediction, reference)
        )
        compute_dice(y_pred, y)
        compute_hausdorff_distance(
            y_pred, y, include_background=True, percentile=95, spacing=SPACING
        )
        thresholds = [TOLERANCE] * len(REGIONS)
        compute_surface_dice(y_pred, y, thresholds, include_background=True, spacing=SPACING)
    return process_time() - start
